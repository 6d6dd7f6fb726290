"""What came of a judge run: results, examples, disagreements, failures, costs and versions."""

from judging.report.page import Report, judge_run_report, report_html
from judging.report.scope import scope_of

__all__ = ["Report", "judge_run_report", "report_html", "scope_of"]
