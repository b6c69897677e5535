"""An account of a result as the fields of the form, to test it again; no password among them."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from producer.contract.codes import WarningCode
from producer.contract.credentials import REQUEST_SPELLING, RESPONSE_LIST, RESPONSE_SPELLING
from producer.gateway.form_request import (
    FLAGS,
    FORM_FIELDS,
    OWN_USER_FIELDS,
    SECRET_FIELDS,
    SECURITY_FIELDS,
)
from producer.verdicts.reading import mapping, objects, was_tested

_IN_RESULTS: Final = dict(zip(REQUEST_SPELLING.values(), RESPONSE_SPELLING.values(), strict=True))
"""The documented response spells a field otherwise: `smtpUserID` comes back `smtpuserID`."""


def values_of(result: Any, report: Any, number: int, take: str = "") -> dict[str, str]:
    """Give the form's fields of account `number` (from 1) of a result; passwords stay out.

    `take` names the protocol whose suggested settings are taken over.
    """
    items = objects(mapping(result).get(RESPONSE_LIST))
    if not 1 <= number <= len(items):
        return {}
    item = items[number - 1]
    reports = objects(mapping(report).get("items"))
    probes = mapping(reports[number - 1]) if number <= len(reports) else {}
    warned = {warning.get("warningCode") for warning in objects(item.get("warnings"))}
    skipped = was_tested(probes.get("smtp")) or WarningCode.AUTH_SKIPPED in warned
    logs_in = item.get("smtpuseAuth") != "false" or not skipped
    return (
        _texts(item)
        | {"smtpUseAuth": "" if logs_in else "false"}
        | {
            name: _security(item, protocol, probes.get(protocol), warned)
            for protocol, name in SECURITY_FIELDS.items()
        }
        | _suggested(take, probes.get(take))
    )


def _texts(item: Mapping[str, Any]) -> dict[str, str]:
    """What was typed in."""
    values = {
        name: str(item[spelled])
        for name in FORM_FIELDS
        if name not in SECRET_FIELDS
        for spelled in (_IN_RESULTS.get(name, name), name)
        if isinstance(item.get(spelled), str)
    }
    if "credentialsType" in values:  # any case is understood, but the form has its own words
        values["credentialsType"] = values["credentialsType"].strip().upper()
    for name in OWN_USER_FIELDS:  # else a typing error mended in the address would stay here
        if values.get(name) == values.get("dealerEmail"):
            values.pop(name, None)
    return values


def _security(item: Mapping[str, Any], protocol: str, probe: Any, warned: Collection[Any]) -> str:
    """Name the encryption that was asked for, as the form does."""
    flags = {flag: item.get(_IN_RESULTS[f"{protocol}{flag}"]) for flag in FLAGS}
    word = _word_of(flags)
    # Of what was not tested a flag may be "false" where none was given: a warning tells.
    chosen = WarningCode.CLEARTEXT_LOGIN in warned and item.get(f"{protocol}host")
    asked = word != "cleartext" or chosen or was_tested(probe)
    return word if asked else "auto"


def _suggested(protocol: str, probe: Any) -> dict[str, str]:
    """Take over the settings that were seen to work."""
    suggestion = mapping(mapping(probe).get("suggestion"))
    if protocol not in SECURITY_FIELDS or not suggestion:
        return {}
    return {
        f"{protocol}Host": str(suggestion.get("host", "")),
        f"{protocol}Port": str(suggestion.get("port", "")),
        SECURITY_FIELDS[protocol]: str(suggestion.get("security", "auto")),
    }


def _word_of(flags: Mapping[str, Any]) -> str:
    """Name the encryption as the form does; implicit TLS wins where both flags are true."""
    if flags["UseSSLOrTLS"] == "true":
        return "implicit_tls"
    if flags["EnableStartTLS"] == "true":
        return "starttls"
    return "cleartext" if set(flags.values()) == {"false"} else "auto"
