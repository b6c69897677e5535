"""The gateway's description, judged by Redocly."""

import json
import subprocess

from producer.openapi.document import openapi


def test_redocly_takes_the_description_of_the_gateway(tool, tmp_path):
    (tmp_path / "openapi.json").write_text(json.dumps(openapi()))
    done = subprocess.run(
        [tool("redocly"), "lint", "openapi.json"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "REDOCLY_TELEMETRY": "off"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
