"""Writes operations.md, the page of everything the sandbox implements, from the operation table.

python docs/reference/write_operations.py          writes the page
python docs/reference/write_operations.py --check  exit code 1 when the page is out of step
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

PAGE = Path(__file__).with_name("operations.md")
HEAD = """# What the sandbox implements

Each row is an operation that answers for real. Everything else answers 501 with the method, the path and the nearest
operation. Made by `make operations` from the table that the server itself uses; a test keeps the two in step.

"""
FAMILIES = (
    ("/_sandbox/", "The sandbox's own switchboard"),
    (".blob.core.windows.net", "Blob Storage"),
    ("{organization}", "Azure DevOps"),
    ("/mlflow/", "MLflow"),
    ("/history/", "Run history and data plane"),
    ("/data/", "Run history and data plane"),
    ("/endpoint/", "Scoring"),
    ("Microsoft.MachineLearningServices", "Azure Machine Learning"),
    ("/discovery/", "Azure Machine Learning"),
    ("Microsoft.ContainerRegistry", "Azure Container Registry"),
    ("Microsoft.ContainerInstance", "Azure Container Instances"),
    ("Microsoft.ContainerService", "Azure Kubernetes Service"),
    ("/oauth2/", "Identity and cloud metadata"),
    (".well-known", "Identity and cloud metadata"),
    ("/metadata/", "Identity and cloud metadata"),
    ("/identity/", "Identity and cloud metadata"),
    ("/", "Azure Resource Manager"),
)


def family(template: str) -> str:
    """The heading an operation stands beneath."""
    return next(title for mark, title in FAMILIES if mark.lower() in template.lower())


def page() -> str:
    """The page's text."""
    listed = subprocess.run(
        [sys.executable, "-m", "sandbox", "operations", "--json"], capture_output=True, text=True, check=True
    )
    families: dict[str, list[str]] = defaultdict(list)
    for row in json.loads(listed.stdout):
        template = row["template"].replace("|", "\\|")
        families[family(row["template"])].append(f"| `{row['name']}` | {row['method']} | `{template}` |")
    parts = [HEAD]
    for title in sorted(families):
        rows = sorted(set(families[title]))
        parts.append(f"## {title}\n\n| operation | method | path |\n|---|---|---|\n" + "\n".join(rows) + "\n\n")
    return "".join(parts).rstrip() + "\n"


def main() -> int:
    text = page()
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
