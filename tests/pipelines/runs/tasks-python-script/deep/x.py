from pathlib import Path

print("file in", Path.cwd().name)
