"""Prints the OpenAPI document: `python -m worker.api > worker/api/openapi.json` renews the one that ships."""

import json
import sys

from worker.api.openapi import document

sys.stdout.write(json.dumps(document(), ensure_ascii=False, indent=1) + "\n")
