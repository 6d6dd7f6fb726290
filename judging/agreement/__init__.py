"""How far judges can be believed: agreement, position, taste, noise, calibration.

Pure: columns of outcomes in, estimates with intervals out. Intervals resample whole clusters
(questions), because verdicts on one question resemble each other.
"""

from judging.agreement.battles import (
    CODES,
    EVEN,
    NO_VERDICT,
    OUTCOMES,
    BattleVerdicts,
    verdicts_of_battles,
)
from judging.agreement.calibration import Calibration, CalibrationBin, bin_number, calibration
from judging.agreement.estimates import Estimate, cluster_bootstrap, mean, proportion
from judging.agreement.majority import majority
from judging.agreement.noise import parse_failure_rate, repeat_flip_rate, repeat_score_deviation
from judging.agreement.position import (
    PositionEffects,
    first_position_preference,
    position_consistency,
    position_effects,
    position_kind,
)
from judging.agreement.raters import (
    Scale,
    TwoRaters,
    agreement,
    alpha_of_counts,
    cohen_kappa,
    compare_raters,
    krippendorff_alpha,
)
from judging.agreement.taste import (
    count_list_items,
    family_self_preference,
    preference_for_more,
)

__all__ = [
    "CODES",
    "EVEN",
    "NO_VERDICT",
    "OUTCOMES",
    "BattleVerdicts",
    "Calibration",
    "CalibrationBin",
    "Estimate",
    "PositionEffects",
    "Scale",
    "TwoRaters",
    "agreement",
    "alpha_of_counts",
    "bin_number",
    "calibration",
    "cluster_bootstrap",
    "cohen_kappa",
    "compare_raters",
    "count_list_items",
    "family_self_preference",
    "first_position_preference",
    "krippendorff_alpha",
    "majority",
    "mean",
    "parse_failure_rate",
    "position_consistency",
    "position_effects",
    "position_kind",
    "preference_for_more",
    "proportion",
    "repeat_flip_rate",
    "repeat_score_deviation",
    "verdicts_of_battles",
]
