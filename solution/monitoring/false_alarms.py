"""Measures how often drift.py would alert when nothing has drifted, and how often it finds a shift.

    python solution/monitoring/false_alarms.py [--draws 500] [--shift-bmi 0.5]

Draws patients from the data itself, so that any alert without a shift is a false one. No Azure, no network.
"""

import argparse
import random
import sys
from pathlib import Path
from statistics import pstdev

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import workshop
from drift import FEATURES, THRESHOLD, Columns, read_reference, stability_index

SIZES = (20, 50, 100, 200)


def draw(reference: Columns, rows: int, shift: float, source: random.Random) -> Columns:
    """Returns so many patients, drawn with replacement; BMI is moved by `shift` of its standard deviations."""
    chosen = source.choices(range(len(reference["BMI"])), k=rows)
    drawn = {name: [values[index] for index in chosen] for name, values in reference.items()}
    moved = shift * pstdev(reference["BMI"])
    return {**drawn, "BMI": [value + moved for value in drawn["BMI"]]}


def alert_rates(reference: Columns, rows: int, shift: float, draws: int, source: random.Random) -> tuple[float, float]:
    """Returns the share of the draws with an alert: for BMI, and for any of the ten features."""
    alone = any_of_them = 0
    for _ in range(draws):
        sample = draw(reference, rows, shift, source)
        above = {name for name in FEATURES if stability_index(reference[name], sample[name]) > THRESHOLD}
        alone += "BMI" in above
        any_of_them += bool(above)
    return alone / draws, any_of_them / draws


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=500, help="how many windows of each size (%(default)s)")
    parser.add_argument("--shift-bmi", type=float, default=0.5, help="the shift to find, in standard deviations")
    parser.add_argument("--seed", type=int, default=20, help="decides the draws (%(default)s)")
    options = parser.parse_args()
    reference = read_reference(workshop.find_root() / "labs" / "data" / "diabetes.csv")
    source = random.Random(options.seed)
    print(f"alerts above {THRESHOLD}, of {options.draws} windows each")
    print(f"{'rows':>5} {'BMI':>6} {'any':>6}   BMI moved by {options.shift_bmi} SD")
    for rows in SIZES:
        still = alert_rates(reference, rows, 0.0, options.draws, source)
        moved = alert_rates(reference, rows, options.shift_bmi, options.draws, source)
        print(f"{rows:>5} {still[0]:>6.1%} {still[1]:>6.1%}   {moved[0]:>6.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
