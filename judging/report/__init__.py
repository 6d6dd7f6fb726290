"""What came of a judge run: results, examples, disagreements, failures, costs and versions."""

from judging.report.disagreements import FIGURES, rows_behind
from judging.report.page import Report, judge_run_report, report_html
from judging.report.scope import scope_of

__all__ = ["FIGURES", "Report", "judge_run_report", "report_html", "rows_behind", "scope_of"]
