"""Container, compose, Kubernetes and systemd files, each judged by its own tool."""

import functools
import json
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from producer.gateway.settings import GatewaySettings
from producer.openapi.document import openapi
from producer.sealing.at_rest import PasswordVault
from tests.support.worker_process import worker_environment
from worker.probing.wire.addresses import is_public
from worker.process.embedded import STOP_SECONDS
from worker.process.supervisor import KILL_MARGIN_SECONDS
from worker.settings import Settings

MARGIN_SECONDS = 5
KUBERNETES = ["1.31", "1.33", "1.37"]


def judge(*command: object) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def read_yaml(tool):
    """Every document of a YAML file; the tools' environment has a parser, ours has none."""
    script = "import json,sys,yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"

    def read(path: Path) -> list[dict]:
        return json.loads(judge(Path(tool("yamllint")).with_name("python3"), "-c", script, path))

    return read


def manifests(deploy: Path) -> list[Path]:
    return sorted((deploy / "kubernetes").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_fits_the_schemas_of_kubernetes(tool, deploy, version):
    own = [file for file in manifests(deploy) if "kustom" not in file.name]
    own = [file for file in own if file.name != "scaledobject.yaml"]
    assert len(own) == 6
    for file in own:
        judge(tool("kubernetes-validate"), "--strict", "-k", version, file)


def test_the_kustomization_lists_every_manifest(deploy, read_yaml):
    (page,) = read_yaml(deploy / "kubernetes/kustomization.yaml")
    named = {*page["resources"], "kustomization.yaml"}
    assert named == {file.name for file in manifests(deploy)}


# IANA's special-purpose registries, and what clouds serve their machines at.
NOT_THE_INTERNET = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12
192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
::/128 ::1/128 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23
2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""
THE_INTERNET = """
1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 128.0.0.0 168.63.129.15 168.63.129.17
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.31.195.255
192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.114.0
223.255.255.255 2001:200:: 2001:db7:ffff::1 2001:db9:: 2003:: 2606:4700::1 2620:4f:8001:: 3ffe::1
"""


def edges(text: str) -> list[str]:
    network = ip_network(text)
    return [str(network[0]), str(network[-1])]


REFUSED = [edge for text in NOT_THE_INTERNET.split() for edge in edges(text)]


def policy_lets_through(deploy, read_yaml, text: str) -> bool:
    policy = read_yaml(deploy / "kubernetes/networkpolicy.yaml")[0]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    blocks = [to["ipBlock"] for rule in policy["egress"] for to in rule["to"] if "ipBlock" in to]
    return any(
        ip_address(text) in ip_network(block["cidr"])
        and not any(ip_address(text) in ip_network(hole) for hole in block["except"])
        for block in blocks
    )


def unit_lets_through(deploy, _read_yaml, text: str) -> bool:
    unit = (deploy / "systemd/mailvouch-worker.service").read_text()
    denied = " ".join(re.findall(r"^IPAddressDeny=(.*)$", unit, re.MULTILINE)).split()
    return not any(ip_address(text) in ip_network(network) for network in denied)


def table_lets_through(_deploy, _read_yaml, text: str) -> bool:
    return is_public(ip_address(text))


FENCES = [policy_lets_through, unit_lets_through, table_lets_through]


@pytest.mark.parametrize("lets_through", FENCES)
def test_each_fence_alone_refuses_the_same_addresses(deploy, read_yaml, lets_through):
    read = functools.cache(read_yaml)

    open_ones = [one for one in REFUSED if lets_through(deploy, read, one)]
    closed = [one for one in THE_INTERNET.split() if not lets_through(deploy, read, one)]
    assert (open_ones, closed) == ([], [])


def test_the_fences_are_written_from_the_workers_table(deploy):
    judge(sys.executable, deploy / "refused_ranges.py", "--check")


def test_a_fence_that_differs_from_the_table_is_told_of(deploy, tmp_path):
    copy = tmp_path / "deploy"
    shutil.copytree(deploy, copy)
    (tmp_path / "worker").symlink_to(deploy.parent / "worker")
    policy = copy / "kubernetes/networkpolicy.yaml"
    policy.write_text(policy.read_text().replace("100.64.0.0/10", "100.64.0.0/11"))
    done = subprocess.run(
        [sys.executable, copy / "refused_ranges.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "networkpolicy.yaml" in done.stderr) == (1, True)


def test_the_unit_writes_no_core_dump(deploy):
    assert "LimitCORE=0" in (deploy / "systemd/mailvouch-worker.service").read_text().splitlines()


def test_workers_may_dial_exactly_the_ports_that_they_allow_by_default(deploy, read_yaml):
    (rule,) = [
        rule
        for rule in read_yaml(deploy / "kubernetes/networkpolicy.yaml")[0]["spec"]["egress"]
        if any("ipBlock" in to for to in rule["to"])
    ]
    default = {port for ports in Settings().allow_ports for port in ports}
    assert {port["port"] for port in rule["ports"]} == default


def test_a_pod_gets_more_time_to_end_than_the_worker_takes_to_drain(deploy, read_yaml):
    spec = read_yaml(deploy / "kubernetes/worker.yaml")[1]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    settings = {entry["name"]: entry.get("value") for entry in container["env"]}
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    drain = int(settings["MAILVOUCH_SHUTDOWN_SECONDS"])
    assert spec["terminationGracePeriodSeconds"] > pause + drain + KILL_MARGIN_SECONDS


@pytest.mark.parametrize("part", ["worker", "exporter", "gateway"])
def test_pods_run_with_no_rights_and_a_read_only_root(deploy, read_yaml, part):
    spec = read_yaml(deploy / f"kubernetes/{part}.yaml")[-1]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}


def test_keda_scales_the_worker_by_depth_and_age(deploy, read_yaml):
    (page,) = read_yaml(deploy / "kubernetes/scaledobject.yaml")
    worker = read_yaml(deploy / "kubernetes/worker.yaml")[1]
    assert (page["apiVersion"], page["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    spec = page["spec"]
    assert spec["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    assert 0 < spec["minReplicaCount"] < spec["maxReplicaCount"]
    assert "replicas" not in worker["spec"], "two would fight about the number"
    queries = {t["name"]: t["metadata"]["query"] for t in spec["triggers"]}
    assert "mailvouch_queue_messages" in queries["depth"]
    assert "mailvouch_queue_oldest_seconds" in queries["age"]
    for trigger in spec["triggers"]:
        assert {"serverAddress", "query", "threshold"} == trigger["metadata"].keys()
        assert isinstance(trigger["metadata"]["threshold"], str)


def test_compose_fits_its_specification(tool, deploy):
    judge(
        tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", deploy / "compose.yaml"
    )


def test_compose_mounts_files_that_exist_and_gives_workers_time_to_drain(deploy, read_yaml):
    (page,) = read_yaml(deploy / "compose.yaml")
    for service in page["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./") and ".secrets" not in source:
                assert (deploy / source).exists(), source
    worker = page["services"]["worker"]
    drain = int(worker["environment"]["MAILVOUCH_SHUTDOWN_SECONDS"])
    assert int(worker["stop_grace_period"].removesuffix("s")) > drain + KILL_MARGIN_SECONDS
    assert worker["deploy"]["replicas"] == 2
    assert worker["read_only"] is True


def test_all_replicas_share_one_store_key_or_nothing_starts(deploy, read_yaml, tmp_path):
    (page,) = read_yaml(deploy / "compose.yaml")
    ((name, secret),) = page["secrets"].items()
    for service in page["services"].values():
        environment = service.get("environment", {})
        runs_jobs = service.get("image") == "mailvouch" and "command" not in service
        assert (name in service.get("secrets", [])) is runs_jobs
        if runs_jobs:
            assert environment["MAILVOUCH_STORE_KEYS"] == f"/run/secrets/{name}"
    subprocess.run(
        [sys.executable, deploy / "redis/make_users.py", tmp_path / ".secrets"], check=True
    )
    PasswordVault.load([tmp_path / secret["file"]])


def test_a_worker_whose_store_key_is_missing_does_not_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli", "run"],
        env=worker_environment(tmp_path, STORE_KEYS=str(tmp_path / "store.jwk")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("mailvouch-worker: MAILVOUCH_STORE_KEYS: ")


def test_the_dockerfile_is_sound_and_copies_what_exists(tool, deploy):
    report = judge(tool("dockerfile-utils"), "lint", deploy / "Dockerfile")
    assert report.strip() == ""
    text = (deploy / "Dockerfile").read_text()
    allowed = (deploy.parent / ".dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert f"!{source}" in allowed
    assert "--require-hashes" in text
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    assert "HEALTHCHECK" in text


def test_the_health_check_of_the_image_is_python_that_runs(deploy):
    text = (deploy / "Dockerfile").read_text()
    command = json.loads(re.search(r"HEALTHCHECK[^[]+CMD (\[.*\])$", text, re.MULTILINE)[1])
    compile(command[2], "healthcheck", "exec")


def test_systemd_waits_longer_than_the_supervisor_and_the_embedded_redis_take(deploy):
    unit = (deploy / "systemd/mailvouch-worker.service").read_text()
    drain = int(re.search(r"MAILVOUCH_SHUTDOWN_SECONDS=(\d+)", unit)[1])
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1])
    assert stop > drain + KILL_MARGIN_SECONDS + STOP_SECONDS


def test_the_systemd_unit_lets_threads_lower_their_priority(deploy):
    lines = (deploy / "systemd/mailvouch-worker.service").read_text().splitlines()
    filters = [line for line in lines if line.startswith("SystemCallFilter=")]
    assert filters[-1] == "SystemCallFilter=setpriority", "the last one that names a call decides"


def test_the_systemd_unit_is_sound_and_hardened(tool, deploy, tmp_path):
    unit = tmp_path / "mailvouch-worker.service"
    text = (deploy / "systemd/mailvouch-worker.service").read_text()
    # The program is not installed here; everything else is judged as it is.
    unit.write_text(text.replace("/opt/mailvouch/bin/mailvouch-worker", "/bin/true"))
    program = tool("systemd-analyze")
    assert judge(program, "verify", "--man=no", unit).strip() == ""
    judge(program, "security", "--offline=true", "--threshold=20", unit)
    assert "KillMode=mixed" in text


def test_the_gateways_unit_is_sound_and_hardened(tool, deploy, tmp_path):
    unit = tmp_path / "mailvouch-gateway.service"
    text = (deploy / "systemd/mailvouch-gateway.service").read_text()
    unit.write_text(text.replace("/opt/mailvouch/bin/mailvouch ", "/bin/true "))
    program = tool("systemd-analyze")
    assert judge(program, "verify", "--man=no", unit).strip() == ""
    judge(program, "security", "--offline=true", "--threshold=25", unit)
    drain = int(re.search(r"MAILVOUCH_SHUTDOWN_SECONDS=(\d+)", text)[1])
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1])
    assert stop > drain + MARGIN_SECONDS


def test_a_gateways_pod_gets_more_time_to_end_than_its_waits_have(deploy, read_yaml):
    spec = read_yaml(deploy / "kubernetes/gateway.yaml")[-1]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    settings = {entry["name"]: entry.get("value") for entry in container["env"]}
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    drain = int(settings["MAILVOUCH_SHUTDOWN_SECONDS"])
    assert spec["terminationGracePeriodSeconds"] > pause + drain + MARGIN_SECONDS

    (compose,) = read_yaml(deploy / "compose.yaml")
    gateway = compose["services"]["gateway"]
    drain = int(gateway["environment"]["MAILVOUCH_SHUTDOWN_SECONDS"])
    assert int(gateway["stop_grace_period"].removesuffix("s")) > drain + MARGIN_SECONDS


def test_the_ingress_leads_to_every_path_but_the_operators(deploy, read_yaml):
    ingress = read_yaml(deploy / "kubernetes/gateway.yaml")[1]
    (rule,) = ingress["spec"]["rules"]
    open_paths = [(path["path"], path["pathType"]) for path in rule["http"]["paths"]]

    def is_open(path: str) -> bool:
        return any(
            path == known or (kind == "Prefix" and path.startswith(f"{known}/"))
            for known, kind in open_paths
        )

    inside = {"/healthz", "/readyz", "/metrics"}
    assert {path for path in openapi()["paths"] if not is_open(path)} == inside
    assert is_open("/static/page.css")


@pytest.mark.parametrize(
    "folder", ["compose.yaml", "kubernetes", "prometheus", "grafana/provisioning"]
)
def test_yaml_has_no_doubled_keys_or_broken_indentation(tool, deploy, folder):
    rules = "{extends: relaxed, rules: {line-length: disable, key-duplicates: enable}}"
    judge(tool("yamllint"), "--strict", "-d", rules, deploy / folder)


def test_every_setting_that_is_named_exists(deploy):
    fields = {**Settings.model_fields, **GatewaySettings.model_fields}
    known = {f"MAILVOUCH_{name.upper()}" for name in fields}
    for file in deploy.rglob("*"):
        if file.is_file() and file.suffix in {".yaml", ".service", ".md", ""}:
            named = set(re.findall(r"MAILVOUCH_[A-Z_]*[A-Z]", file.read_text()))
            assert named <= known | {"MAILVOUCH_PASSWORD"}, file
