"""The JSON Schema, judged by what two generators of types make of it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from producer.schema import json_schema

MODULE = "contract"
GOLDEN = Path(__file__).parents[1] / "golden"
SAMPLE = """
import {{ TestResponse, Envelope, Report, IntegrationResult }} from "./contract";

export const codes = (result: TestResponse): string[] =>
  result.emailCredentialsResponses.map((item) => (item.outcome === "{word}" ? "" : item.error));
export const request: Envelope = {{
  version: 1, kind: "credential-test", dealerUUID: "d",
  body: {{ emailCredentialsRequests: [{{ dealerEmail: "a@b.example", smtpPort: 587 }}] }},
}};
export const phase = (report: Report) => report.items[0]?.smtp?.phases[0]?.state === "failed";
export const expired = (result: TestResponse) => result.errors[0]?.errorCode === "REQUEST_EXPIRED";
export const host = (result: IntegrationResult) =>
  typeof result.data === "object" ? result.data?.host : undefined;
"""


def run(*words, cwd):
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(json_schema()))
    return path


@pytest.mark.slow
def test_typescript_types_have_every_document_and_know_a_wrong_word(tool, schema, tmp_path):
    made = run(tool("json2ts"), str(schema), "contract.d.ts", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    types = (tmp_path / "contract.d.ts").read_text()
    names = re.findall(r"^export (?:interface|type) (\w+)", types, re.MULTILINE)
    assert {"TestResponse", "ResponseItem", "Report", "Probe", "IntegrationData"} <= set(names)
    assert [name for name in names if re.search(r"\d$", name)] == [], "the same thing twice"

    def compiles(word):
        (tmp_path / "sample.ts").write_text(SAMPLE.format(word=word))
        done = run(tool("tsc"), "--noEmit", "--strict", "sample.ts", cwd=tmp_path)
        return done.returncode == 0 or done.stdout

    assert compiles("SUCCESS") is True
    assert "no overlap" in compiles("SUCESS")


def test_python_types_read_the_golden_documents(tool, schema, tmp_path):
    made = run(
        tool("datamodel-codegen"),
        *("--input", str(schema), "--input-file-type", "jsonschema"),
        *("--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.11"),
        *("--formatters", "isort", "--output", f"{MODULE}.py"),
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    reads = f"""
import json, pathlib, sys
import contract
golden = pathlib.Path({str(GOLDEN)!r})
text = (golden / "credential_test_example.json").read_text()
words = {{"outcome": "FAILURE", "errorCode": "SMTP_WRONG_SERVICE", "warningCode": "UNKNOWN_FIELD"}}
for name, word in words.items():
    text = text.replace(f'"{{name}}": "string"', f'"{{name}}": "{{word}}"')
item = contract.TestResponse.model_validate_json(text).emailCredentialsResponses[0]
assert item.outcome is contract.Outcome.FAILURE
assert contract.Report.model_validate_json((golden / "report_example.json").read_text()).items
print(json.dumps(sorted(name for name in vars(contract) if name[-1].isdigit())))
"""
    done = run(sys.executable, "-c", reads, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], "the same thing twice"
