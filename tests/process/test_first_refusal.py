"""What the loop stands still for at the first refused login of a process: no more than later."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pace import assert_within

ROOT = Path(__file__).parents[2]
LONGEST_STRETCH_SECONDS = 0.02

FIRST_REFUSAL = """
import json, os, sys, time
from pathlib import Path

from worker.process.boot import ProcessSlot, boot
from worker.settings import Settings
from worker.telemetry import logs

folder, *texts = sys.argv[1:]
for said in texts:
    if os.fork() == 0:  # a process of its own: what each imports is imported once
        break
    os.wait()
else:
    sys.exit()

settings = Settings(_env_file=None, data_dir=Path(folder), metrics_port=0)
boot(settings, logs.configure("INFO", "json", slot="1"), ProcessSlot(1, None, ()))

from producer.contract.report import PhaseName
from worker.probing.classify.refusals import classify_refusal
from worker.probing.interruptible import at_once
from worker.probing.target import Protocol, Refusal
from worker.probing.transcript import Transcript

opened, stretches = [], []
sys.addaudithook(lambda event, about: event == "open" and opened.append(str(about[0])))

def stretch(function, *arguments, **named):
    began = time.thread_time()
    found = function(*arguments, **named)
    stretches.append(time.thread_time() - began)
    return found

secrets, own = ("hunter2-Canary9",), ("mail.test", "user@mail.test")
transcript = stretch(Transcript, Protocol.SMTP, secrets, own)
stretch(transcript.server, [b"535 5.7.8 " + said.encode()])
refusal = Refusal(Protocol.SMTP, PhaseName.AUTH, "535", "5.7.8", said)
stretch(classify_refusal, refusal, None, own, secrets=secrets)
stretch(transcript.scrub, said)
stretch(at_once, transcript.without_echoes(said))
stretch(transcript.lines)
print(json.dumps([said, opened, max(stretches)]))
"""


SAID = (
    "Error: authentication failed: UGFzc3dvcmQ6",
    "the frobnicated account of this office could not be reached by your program",
    "<b>Zażółć</b> gęślą jaźń 203.0.113.9 (in reply to AUTH) https://example.com/login?a=b",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Which files were opened and which stretch was longest, by what the server said."""
    ended = subprocess.run(
        [sys.executable, "-c", FIRST_REFUSAL, str(tmp_path_factory.mktemp("data")), *SAID],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("[")]
    return {said: (opened, longest) for said, opened, longest in lines}


@pytest.mark.parametrize("said", SAID)
def test_the_first_refused_login_of_a_process_reads_no_file_and_holds_up_nobody(said, told):
    opened, longest = told[said]
    assert opened == []
    assert_within(LONGEST_STRETCH_SECONDS, lambda: longest)
