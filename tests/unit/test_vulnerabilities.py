"""`make audit` never passes where it asked nobody."""

import json
import sys

import pytest

from tests.vulnerabilities import audit

CLEAN = {"dependencies": [{"name": "one", "version": "1", "vulns": []}]}
WEAK = {"dependencies": [{"name": "one", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}]}


def pip_audit(tmp_path, **answers) -> list[str]:
    """Stands for pip-audit: by source, a report and the exit code 0 or 1; without one it cannot be reached."""
    script = tmp_path / "pip_audit.py"
    script.write_text(
        f"import json, sys\nanswers = {answers!r}\nfound = answers.get(sys.argv[sys.argv.index('-s') + 1])\n"
        "if found is None:\n    sys.exit('ConnectionError: no route')\n"
        "print(json.dumps(found))\nsys.exit(any(one['vulns'] for one in found['dependencies']))\n"
    )
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ({"osv": CLEAN}, 0, "1 dependencies audited by osv: 0 with"),
        ({"pypi": CLEAN}, 0, "1 dependencies audited by pypi: 0 with"),
        ({"osv": WEAK, "pypi": CLEAN}, 1, "one 1: PYSEC-1, mended in 2"),
        ({}, 69, "nothing was audited"),
        ({"osv": {}, "pypi": json.loads("{}")}, 69, "nothing was audited"),
    ],
)
def test_it_passes_only_where_a_source_was_asked_and_knows_nothing(tmp_path, capsys, answers, code, said):
    assert audit(["requirements/run.txt"], pip_audit(tmp_path, **answers)) == code
    shown = capsys.readouterr()
    assert said in shown.out + shown.err
