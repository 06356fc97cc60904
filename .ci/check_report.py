"""Check what the gate found on the real model.

    check_report.py REPORT.json EXIT-STATUS

Nothing here is a number that was seen before: only what the run's own bounds
show counts. The run must have ended red because of a violation that its lower
bound shows, and must have shown that another claim, whose arms differ, holds.
"""

import json
import sys


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    status = int(sys.argv[2])
    verdicts = report["verdicts"]

    for v in verdicts:
        arms = ", ".join(f"{a['name']} {a['percent']:.0f} % of {a['n']}" for a in v["arms"] or [])
        bounds = "nothing seen" if v["effect_points"] is None else (
            f"{v['effect_points']:+.1f} [{v['lower_points']:+.1f}, {v['upper_points']:+.1f}]")
        print(f"{v['verdict']:12} {bounds}, margin {v['margin_points']:.0f}: {v['statement']} ({arms})")

    violated = [v for v in verdicts if v["verdict"] == "violated"]
    holds = [v for v in verdicts if v["verdict"] == "holds"]
    # Neither floor nor ceiling: what stands in the way of a rise or a fall is
    # the model, not the end of the scale.
    between = [v for v in holds if 5 < v["arms"][0]["percent"] < 95]
    problems = []
    if report["summary"]["errors"]:
        problems.append(f"{report['summary']['errors']} specs ended in errors")
    if report["summary"]["calls"] > 600:
        problems.append(f"{report['summary']['calls']} calls were made")
    if status != 1 or report["summary"]["passed"]:
        problems.append(f"the gate was not red: exit status {status}")
    if not violated:
        problems.append("no violation was found")
    for v in violated:
        if not v["lower_points"] > v["margin_points"]:
            problems.append(f"called violated, but its lower bound is within the margin: {v['statement']}")
    if not holds:
        problems.append("no claim was shown to hold")
    for v in holds:
        if not v["upper_points"] <= v["margin_points"]:
            problems.append(f"called holding, but its upper bound is beyond the margin: {v['statement']}")
    if holds and not between:
        print("note: what holds, holds at the floor or the ceiling")
    if problems:
        sys.exit("real model: " + "; ".join(problems))
    print(f"real model: {len(violated)} violated, {len(holds)} hold, {report['summary']['calls']} calls, as the run's own bounds show")


main()
