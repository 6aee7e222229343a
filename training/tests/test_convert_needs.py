# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""`frameloom convert` where its packages are not installed."""

import os
import subprocess
import sys

from conftest import REPOSITORY


def test_a_missing_package_is_named_with_how_to_get_it(tmp_path):
    (tmp_path / "PIL.py").write_text("raise ModuleNotFoundError('No module', name='PIL')\n")
    said = subprocess.run(
        [sys.executable, REPOSITORY / "training" / "convert.py", "--help"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert said.returncode == 1 and "Traceback" not in said.stderr
    assert "lacks the package PIL" in said.stderr and "requirements-convert.txt" in said.stderr
