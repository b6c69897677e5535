"""What becomes of a form's fields."""

import csv
import io
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.credentials import REQUEST_SPELLING
from producer.gateway.form_problems import FormProblems
from producer.gateway.form_request import FORM_FIELDS, SECURITIES, FormRequest, read_form

ACCOUNT = {"dealerEmail": "a@shop.example", "password": "p w", "smtpHost": "mx.example"}


def items(values):
    return read_form(values).body["emailCredentialsRequests"]


def problems(values):
    with pytest.raises(FormProblems) as caught:
        read_form(values)
    return caught.value.sentences


def test_an_account_is_taken_as_typed_and_what_is_blank_left_out():
    assert items({**ACCOUNT, "imapHost": "", "unknown": "x"}) == [ACCOUNT]


UNSEEN = (" ", "\t", "\xa0", "\u200b", "\ufeff", "\r\n", "\u202a")


@pytest.mark.parametrize("unseen", UNSEEN)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "jo k@x.example") for name in ("dealerEmail", "smtpUserID", "imapUserID")),
        ("smtpHost", "mx.example"),
        ("imapPort", "993"),
        ("credentialsType", "IMAP"),
    ],
)
def test_what_nobody_sees_around_a_value_is_left_out(name, value, unseen):
    """It comes along with what is copied: the server heard another user than the page showed, and a
    host that looked right was called none."""
    typed = {**ACCOUNT, name: f"{unseen}{value}{unseen}"}
    meant = {**ACCOUNT, name: value}
    cells = ",".join(f'"{value}"' for value in typed.values())
    table = f"{','.join(typed)}\n{cells}"
    assert items(typed) == [meant]
    assert items({"batch": table}) == [meant]
    assert items({"batch": json.dumps([typed])}) == [meant]


def test_a_user_that_nobody_sees_is_none():
    assert items({**ACCOUNT, "smtpUserID": " \u200b"}) == [ACCOUNT]


@pytest.mark.parametrize("unseen", UNSEEN)
def test_the_dealer_stands_beside_the_request_without_what_nobody_sees(unseen):
    """Else a dealer that looks like the caller's is refused as another's, or is another."""
    dealer, smtp = f"{unseen}d-1{unseen}", f"{unseen}starttls{unseen}"
    typed = {**ACCOUNT, "dealerUUID": dealer, "smtpSecurity": smtp}
    table = f'dealerUUID,smtpHost,smtpSecurity\n"{dealer}",mx,"{smtp}"'
    whole = {"dealerUUID": dealer, "emailCredentialsRequests": [ACCOUNT | {"smtpSecurity": smtp}]}
    for sent in (typed, {"batch": table}, {"batch": json.dumps(whole)}):
        found = read_form(sent)
        assert found.dealer_uuid == "d-1"
        (item,) = found.body["emailCredentialsRequests"]
        assert item["smtpEnableStartTLS"] == "true"


@pytest.mark.parametrize(
    ("word", "flags"),
    [
        ("auto", {}),
        ("", {}),
        ("implicit_tls", {"smtpUseSSLOrTLS": "true", "smtpEnableStartTLS": "false"}),
        ("starttls", {"smtpUseSSLOrTLS": "false", "smtpEnableStartTLS": "true"}),
        ("STARTTLS", {"smtpUseSSLOrTLS": "false", "smtpEnableStartTLS": "true"}),
        ("cleartext", {"smtpUseSSLOrTLS": "false", "smtpEnableStartTLS": "false"}),
    ],
)
def test_encryption_is_a_word_in_any_case(word, flags):
    assert items({**ACCOUNT, "smtpSecurity": word}) == [ACCOUNT | flags]


def test_every_documented_field_but_the_flags_is_in_the_form():
    flags = {f"{p}{flag}" for p in ("smtp", "imap") for flag in SECURITIES["starttls"]}
    assert set(FORM_FIELDS) == set(REQUEST_SPELLING.values()) - flags | {
        "smtpSecurity",
        "imapSecurity",
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Name the account's address"),
        ({"password": "x"}, "Name the account's address"),
        ({"dealerEmail": "secret-word"}, "Name the account's address"),
        ({"dealerEmail": "a@x.example secret-word"}, "Name the account's address"),
        ({**ACCOUNT, "smtpSecurity": "tls"}, "smtpSecurity must be one of"),
        ({**ACCOUNT, "smtpPort": "0"}, "smtpPort must be a number"),
        ({**ACCOUNT, "imapPort": "65536"}, "imapPort must be a number"),
        ({**ACCOUNT, "imapPort": "9" * 5000}, "imapPort must be a number"),
        ({**ACCOUNT, "imapPort": "\N{SUPERSCRIPT TWO}"}, "imapPort must be a number"),
        ({**ACCOUNT, "password": "********"}, "password holds the mask"),
        ({**ACCOUNT, "smtpUserID": "********"}, "smtpUserID holds the mask"),
        ({"batch": "{"}, "none"),
        ({"batch": "[" * 20_000}, "none"),
        ({"batch": "{}"}, "must hold"),
        ({"batch": "[]"}, "must hold"),
        ({"batch": '{"emailCredentialsRequests": []}'}, "must hold"),
        ({"batch": '[{}, {"imapSecurity": "tls"}]'}, "Account 2: imapSecurity must be one of"),
        ({"batch": '[{"imapSecurity": ["starttls"]}]'}, "Account 1: imapSecurity must be one of"),
        ({"batch": '[{}, {"smtpHost": "mx", "secret-word": 1}]'}, "Account 2: unknown: name 2"),
        ({"batch": '[{"smtp_security": "starttls"}]'}, "Account 1: unknown: name 1"),
        ({"batch": '[{"smtpHost": "a", "smtphost": "b"}]'}, "Account 1 has a name twice"),
        ({"batch": '[{"smtpSecurity": "auto", "SMTPSECURITY": ""}]'}, "Account 1 has a name twice"),
        ({"batch": '[{"smtpuserID": "********"}]'}, "Account 1: smtpUserID holds the mask"),
        ({"batch": '[{"dealerUUID": "d-1"}, {"dealerUUID": "d-2"}]'}, "of one dealer"),
        ({"batch": "dealerEmail,password"}, "no account below its heading"),
        ({"batch": "a@b.example,secret-word\na@b.example,other"}, "unknown: column 1, 2"),
        ({"batch": "smtpHost,smtphost\na,b"}, "names a column twice"),
        ({"batch": "smtpHost,smtpPort\na,99999"}, "Line 2: smtpPort must be"),
        ({"batch": "smtpHost\na,b"}, "Line 2: more values"),
        ({"batch": "smtpHost,,\na,,b"}, "Line 2: more values"),
        ({"batch": "smtpHost,password\na,ends with a comma,"}, "Line 2: more values"),
        ({"batch": "smtpHost,,password\na,,b"}, "unknown: column 2"),
        ({"batch": "smtpHost,dealerUUID\na,d-1\nb,d-2"}, "of one dealer"),
        ({"batch": "smtpHost,dealerUUID\na,d-1", "dealerUUID": "d-2"}, "of one dealer"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(values, said):
    found = problems(values)
    assert any(said in sentence for sentence in found)
    assert not any("secret-word" in sentence for sentence in found)


@pytest.mark.parametrize(
    "address",
    [
        *("Jo <{}>", "{}<mailto:{}>", "SMTP:{}", "{} (Jo)", "{};b@x.example", "{},secret"),
        *("{}:secret", "{} secret", "{}\tsecret", "{} b@x.example"),
    ],
)
def test_an_address_with_more_beside_it_is_a_problem(address):
    """Copied from a mail it was logged in with as it stood, and the password found wrong."""
    copied = {**ACCOUNT, "dealerEmail": address.replace("{}", "a@shop.example")}
    (said,) = problems(copied)
    assert said.startswith("dealerEmail must be an address and nothing else")
    table = f"{','.join(copied)}\n" + ",".join(f'"{value}"' for value in copied.values())
    assert problems({"batch": table}) == (f"Line 2: {said}",)


@pytest.mark.parametrize(
    "login",
    ["jo", "FIRM:jo", "FIRM\\jo", "jo+x@y.example", "o'n@x.example", "Jo K/Firm@x.example"],
)
def test_a_login_without_an_address_and_an_odd_address_are_taken(login):
    account = {**ACCOUNT, "dealerEmail": login, "smtpUserID": "Jo <a@shop.example>"}
    assert items(account) == [account]


def test_a_batch_goes_before_the_fields():
    body = {"emailCredentialsRequests": [{"smtpHost": "other.example"}]}
    assert items({**ACCOUNT, "batch": json.dumps(body)}) == body["emailCredentialsRequests"]


def test_a_batch_may_be_the_bare_list():
    assert items({"batch": '[{"smtpHost": "a"}]'}) == [{"smtpHost": "a"}]


@pytest.mark.parametrize("word", SECURITIES)
@pytest.mark.parametrize("name", ["smtpSecurity", "smtpsecurity", "SMTPSECURITY"])
def test_a_word_for_encryption_counts_in_json_as_in_a_table(word, name):
    account = {**ACCOUNT, "smtpSecurity": word, "imapSecurity": None}
    (in_json,) = items({"batch": json.dumps([{**ACCOUNT, name: word, "imapSecurity": None}])})
    assert in_json == account | {f"smtp{flag}": value for flag, value in SECURITIES[word].items()}


def test_names_in_json_count_however_they_are_capitalised():
    shouted = {name.upper(): value for name, value in ACCOUNT.items()}
    assert items({"batch": json.dumps([shouted])}) == [ACCOUNT]


def test_an_account_may_be_copied_from_a_result():
    result = {"dealerEmail": "a@x.example", "smtphost": "mx", "outcome": "FAILURE", "errors": []}
    (item,) = items({"batch": json.dumps([{**result, "password": "p"}])})
    assert item.items() >= {"smtpHost": "mx", "password": "p"}.items()


@pytest.mark.parametrize(
    "document",
    [
        [{"smtpHost": "a", "dealerUUID": "d-1"}, {"smtpHost": "b"}],
        {"dealerUUID": "d-1", "emailCredentialsRequests": [{"smtpHost": "a"}, {"smtpHost": "b"}]},
    ],
)
def test_a_dealer_in_json_counts_as_in_a_table(document):
    accounts = [{"smtpHost": "a"}, {"smtpHost": "b"}]
    found = read_form({"batch": json.dumps(document)})
    assert found == FormRequest("d-1", {"emailCredentialsRequests": accounts})


@pytest.mark.parametrize("batch", ["smtpHost\nother", '[{"smtpHost": "other"}]'])
def test_the_button_of_one_account_tests_no_batch_in_its_place(batch):
    (said,) = problems({**ACCOUNT, "batch": batch, "pressed": "account"})
    assert said.startswith("Both an account and a batch")
    nothing_typed = {"dealerEmail": "", "smtpHost": "", "smtpSecurity": "auto", "dealerUUID": "d"}
    assert items({**nothing_typed, "batch": batch, "pressed": "account"}) == [{"smtpHost": "other"}]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_batch_may_be_a_table(separator):
    rows = [
        ("dealerEmail", "PASSWORD", "smtpHost", "smtpSecurity", "dealerUUID"),
        ("a@x.example", '"p""w\N{SNOWMAN}"', "mx", "starttls", "d-1"),
        ("b@x.example", "", "mx", "", "d-1"),
    ]
    text = "\r\n".join(separator.join(row) for row in rows)
    found = read_form({"batch": f"\n{text}\n\n"})
    first = {
        "dealerEmail": "a@x.example",
        "password": 'p"w\N{SNOWMAN}',
        "smtpHost": "mx",
        "smtpUseSSLOrTLS": "false",
        "smtpEnableStartTLS": "true",
    }
    second = {"dealerEmail": "b@x.example", "smtpHost": "mx"}
    assert found == FormRequest("d-1", {"emailCredentialsRequests": [first, second]})


def test_blank_columns_at_the_right_of_a_table_are_left_out():
    """A spreadsheet writes them where a cell there was ever used."""
    assert items({"batch": "smtpHost;smtpPort;;\nmx;25;;\nmy;; ;\n"}) == [
        {"smtpHost": "mx", "smtpPort": "25"},
        {"smtpHost": "my"},
    ]


@pytest.mark.parametrize(
    "row",
    [
        "a@x.example;p;mx;25",
        "a@x.example\tp\tmx\t25",
        "a@x.example;p,w;mx;25",
        "a@x.example|p|mx|25",
        "a@x.example|p,w|mx|25",
        "a@x.example p mx 25",
        "a@x.example:p",
        "a@x.example;p;mx;25,,,",
        "a@x.example:p,,,",
        '"a@x.example,p,mx,25",,,',
        '"a@x.example,p,mx,25"',
    ],
)
def test_a_row_that_is_not_separated_as_the_heading_is_a_problem(row):
    """Its password would be shown as part of the address, and kept with the result."""
    heading = "dealerEmail,password,smtpHost,smtpPort"
    assert problems({"batch": f"{heading}\n{row}"}) == (
        "Line 2: its values are not separated as the heading's names.",
    )


VALUES = ("a@x.example", "p", "mx")


@pytest.mark.parametrize("first", ["dealerEmail", "smtpHost", "accountType"])
def test_values_each_in_a_line_of_its_own_are_no_accounts(first):
    """A table comes so out of a PDF: each password was shown as an address, or a host."""
    said = problems({"batch": "\n".join([f"{first},password,imapHost", *VALUES])})
    assert said == tuple(
        f"Line {at}: its values are not separated as the heading's names." for at in (2, 3, 4)
    )


def test_a_row_with_neither_host_nor_address_is_a_problem():
    rows = ["dealerEmail,password,smtpHost", *(f"{value},," for value in VALUES)]
    assert problems({"batch": "\n".join(rows)}) == tuple(
        f"Line {at}: Name the account's address, and an SMTP or IMAP host to test it at."
        for at in (3, 4)
    )


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "orgName,", "dealerUUID,", "smtpHost,"])
def test_a_row_that_an_e_mail_broke_in_two_is_a_problem(first, separator):
    """At a blank, as in a password for one application: its end was shown as an address."""
    heading = f"{first}dealerEmail,password,imapHost,imapUserID"
    values = {"dealerEmail": "a@x.example", "password": "abcd efgh ijkl mnop"}
    row = separator.join(values.get(name, "mx.example") for name in heading.split(","))
    heading = heading.replace(",", separator)
    assert len(items({"batch": f"{heading}\n{row}"})) == 1
    for at in (at for at, one in enumerate(row) if one.isspace()):
        assert problems({"batch": f"{heading}\n{row[:at]}\n{row[at + 1 :]}"})


@pytest.mark.parametrize("between", ["smtpHost", "smtpUserID", "orgName,imapHost"])
@pytest.mark.parametrize("password", ["password", "SmtpPassword"])
def test_a_row_that_ends_before_its_password_is_a_problem(between, password):
    """What was typed last was the password: it was shown as a host or a user."""
    heading = f"dealerEmail,{between},{password},imapPassword"
    (said,) = problems({"batch": f"{heading}\na@x.example,secret-word"})
    assert said.startswith("Line 2: fewer values than the heading has names, and no address or no")
    blanks = "," * heading.count(",")
    assert len(items({"batch": f"{heading}\na@x.example{blanks}"})) == 1


@pytest.mark.parametrize("row", ["a@x.example,p", ",,mx,", "jo,p,mx,"])
def test_a_row_may_be_shorter_than_the_heading_or_without_an_address(row):
    assert len(items({"batch": f"dealerEmail,password,smtpHost,smtpPort\n{row}"})) == 1


@pytest.mark.parametrize(
    "names", [["dealerEmail", "PASSWORD", "smtpHost"], ["smtpHost", "password"]]
)
def test_names_of_columns_each_in_a_line_of_its_own_are_no_accounts(names):
    said = problems({"batch": "\n".join([*names, "a@x.example", "p", "mx"])})
    assert said[0].startswith("Line 2: names columns.")


def test_a_table_that_is_there_twice_is_a_problem():
    table = "dealerEmail,smtpHost\na@x.example,mx\n"
    assert problems({"batch": table * 2})[0].startswith("Line 3: names columns.")


@pytest.mark.parametrize("row", ["a@x.example,", "a@x.example,p,"])
def test_an_address_alone_is_an_account_whose_host_is_looked_for(row):
    (item,) = items({"batch": f"dealerEmail,password,smtpHost\n{row}"})
    assert item["dealerEmail"] == "a@x.example"


def test_a_password_may_be_the_name_of_a_column():
    (item,) = items({"batch": "dealerEmail,password\na@x.example,password"})
    assert item["password"] == "password"


@pytest.mark.parametrize("line", ["sep=;", "SEP=,", '"sep=;"', "sep=\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_that_tells_a_spreadsheet_the_separator_is_no_heading(line, end):
    rows = [line, "dealerEmail;smtpPort", "a@x.example;25"]
    assert items({"batch": end.join(rows)}) == [{"dealerEmail": "a@x.example", "smtpPort": "25"}]
    (problem,) = problems({"batch": end.join(["\ufeff", *rows, "b@x.example;0"])})
    assert problem.startswith("Line 5: smtpPort must be")
    assert problems({"batch": line}) == ("The batch is neither JSON nor CSV.",)


def test_a_column_without_a_name_at_the_left_is_a_problem():
    """Such as one of row numbers: each value was read as the one beside it."""
    batch = "\tdealerEmail\tpassword\tsmtpHost\torgName\n1\ta@x.example\tsecret-word\tmx"
    assert problems({"batch": batch})[0].startswith("The batch's first line must name the columns")


@pytest.mark.parametrize("cell", ['"secret-word', '"secret"-word"'])
def test_the_line_of_a_quote_that_is_not_closed_is_named(cell):
    """A spreadsheet copies a password that begins with a quote as it is."""
    rows = ["dealerEmail\tpassword\tsmtpHost", "a@x.example\tp\tmx", "", f"b@x.example\t{cell}\tmx"]
    (said,) = problems({"batch": "\n".join([*rows, "c@x.example\tq\tmx"])})
    assert said.startswith("Line 4: a value begins with a quote")


@pytest.mark.parametrize(
    "row",
    [
        "a@x.example, p, mx",
        'a@x.example, "p", mx, 25',
        "a@x.example ; p ; mx",
        "a@x.example ;p ;mx",
    ],
)
def test_a_row_with_blanks_beside_its_separators_is_a_problem(row):
    """Its password would be tested with a blank, or in quotes, and found wrong."""
    heading = "dealerEmail, password, smtpHost, smtpPort".replace(",", ";" if ";" in row else ",")
    (said,) = problems({"batch": f"{heading}\n{row}"})
    assert said.startswith("Line 2: blanks stand beside the separators")


@pytest.mark.parametrize("row", ["a@x.example, p", 'a@x.example, "p"', "a@x.example, , mx"])
def test_below_a_heading_with_such_blanks_two_values_are_enough(row):
    """Its author wrote them by hand there, too: the password was tested with a blank."""
    heading = "dealerEmail, password, smtpHost"
    (said,) = problems({"batch": f"{heading}\n{row}"})
    assert said.startswith("Line 2: blanks stand beside the separators")
    (item,) = items({"batch": f"{heading}\na@x.example,p "})
    assert item["password"] == "p "


def test_where_no_password_is_two_values_may_have_blanks_beside_their_separator():
    assert items({"batch": "smtpHost, smtpPort\nmx, 25"}) == [{"smtpHost": "mx", "smtpPort": "25"}]


def test_a_single_value_of_a_row_may_begin_and_end_with_a_blank():
    (item,) = items({"batch": "dealerEmail,password,smtpHost,smtpPort\na@x.example, p ,mx,25"})
    assert item["password"] == " p "


def test_a_short_row_may_hold_another_separator_in_a_value():
    text = "dealerEmail,password,smtpHost,orgName\na@x.example,p;w,mx\n"
    account = {"dealerEmail": "a@x.example", "password": "p;w", "smtpHost": "mx"}
    assert items({"batch": text}) == [account]


def test_a_table_of_more_accounts_than_any_worker_takes_is_not_read_to_its_end():
    """Reading a full body of them would hold up everybody for seconds."""
    assert len(items({"batch": "smtpHost\n" + "mx\n" * 1000})) == 1000
    rest = '"never read to its end' + "\n" * 500_000
    assert problems({"batch": "smtpHost\n" + "mx\n" * 1001 + rest}) == (
        "A batch may have at most 1000 accounts: split it.",
    )


@pytest.mark.parametrize("value", ["[]," * 25_000 + "[]", "9" * 401])
def test_a_batch_with_more_in_it_than_anybody_needs_is_a_problem(value):
    (said,) = problems({"batch": f'{{"emailCredentialsRequests": [{{}}], "odd": [{value}]}}'})
    assert said.startswith("The batch holds more than 25000 values")


@pytest.mark.parametrize("text", ["smtpHost\nmx", '[{"smtpHost": "mx"}]'])
def test_a_batch_may_begin_with_a_byte_order_mark(text):
    found = read_form({"batch": f"\ufeff{text}"})
    assert found.body == {"emailCredentialsRequests": [{"smtpHost": "mx"}]}


def test_problems_are_bounded():
    rows = "\n".join("a,99999" for _ in range(500))
    assert len(problems({"batch": f"smtpHost,smtpPort\n{rows}"})) == 20


def test_of_columns_that_nobody_knows_a_few_are_named():
    (sentence,) = problems({"batch": "x," * 100_000})
    assert "unknown: column 1, 2, 3" in sentence
    assert len(sentence) < 1000


@given(st.dictionaries(st.sampled_from([*FORM_FIELDS, "batch", "dealerUUID"]), st.text()))
def test_whatever_is_sent_is_read_or_refused(values):
    with suppress(FormProblems):
        assert items(values)


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_a_password_in_csv_may_hold_what_python_takes_for_a_line_end(odd):
    (item,) = items({"batch": f"dealerEmail,password\na@shop.example,p{odd}q"})
    assert item["password"] == f"p{odd}q"


def test_a_password_in_csv_keeps_its_spaces_and_a_quoted_one_all():
    batch = 'dealerEmail,password\r\na@x.example, p \r\nb@x.example,"p,""\r\nq"\r\nc@x.example,p '
    assert [item["password"] for item in items({"batch": batch})] == [" p ", 'p,"\r\nq', "p "]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_without_anything_in_them_are_left_out_and_lines_counted_all_the_same(end):
    batch = end.join(["", "dealerEmail;smtpPort", "", ";", "a@x.example;0", " ; "])
    (problem,) = problems({"batch": batch})
    assert problem.startswith("Line 5: ")


@pytest.mark.parametrize(
    "batch", [",,,", ";\n;", "\t,", '"', 'a,b\n"', "[1, NaN]", '{"a": Infinity}']
)
def test_what_is_neither_json_nor_csv_is_a_problem(batch):
    assert problems({"batch": batch})


@given(st.text(alphabet=st.sampled_from('",;\t\n\r \x85\u2028a{[\ufeff\0'), max_size=30))
def test_a_batch_is_read_or_a_problem_and_never_an_error(batch):
    with suppress(FormProblems):
        read_form({"batch": batch, "smtpHost": "mx.example"})


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1),
        min_size=1,
        max_size=5,
    )
)
def test_what_a_program_writes_as_csv_is_what_is_read(passwords):
    written = io.StringIO(newline="")
    rows = [["dealerEmail", "password"], *(["a@x.example", one] for one in passwords)]
    csv.writer(written).writerows(rows)
    assert [one.get("password") for one in items({"batch": written.getvalue()})] == passwords
