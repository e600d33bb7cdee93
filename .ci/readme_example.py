"""Run every Python block of a Markdown file, in order, in one namespace."""

import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
if not blocks:
    sys.exit(f"no Python block in {sys.argv[1]}")
namespace: dict[str, object] = {}
for block in blocks:
    exec(block, namespace)
print(f"ran {len(blocks)} blocks of {sys.argv[1]}")
