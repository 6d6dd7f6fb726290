"""The fields of study that C-Eval and CMMLU report, which lm-eval's groups leave out.

Sources: Y. Huang et al., "C-Eval" (2023), with its list of hard subjects; H. Li et al.,
"CMMLU" (2023) (a subject in several fields stands in its first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CEVAL = {
    "stem": "computer_network operating_system computer_architecture college_programming "
    "college_physics college_chemistry advanced_mathematics probability_and_statistics "
    "discrete_mathematics electrical_engineer metrology_engineer high_school_mathematics "
    "high_school_physics high_school_chemistry high_school_biology middle_school_mathematics "
    "middle_school_biology middle_school_physics middle_school_chemistry veterinary_medicine",
    "social_sciences": "college_economics business_administration marxism mao_zedong_thought "
    "education_science teacher_qualification high_school_politics high_school_geography "
    "middle_school_politics middle_school_geography",
    "humanities": "modern_chinese_history ideological_and_moral_cultivation logic law "
    "chinese_language_and_literature art_studies professional_tour_guide legal_professional "
    "high_school_chinese high_school_history middle_school_history",
    "other": "civil_servant sports_science plant_protection basic_medicine clinical_medicine "
    "urban_and_rural_planner accountant fire_engineer environmental_impact_assessment_engineer "
    "tax_accountant physician",
    "hard": "advanced_mathematics discrete_mathematics probability_and_statistics "
    "college_chemistry college_physics high_school_mathematics high_school_chemistry "
    "high_school_physics",
}
CMMLU = {
    "stem": "anatomy astronomy college_actuarial_science college_engineering_hydrology "
    "college_mathematics college_medical_statistics computer_science computer_security "
    "conceptual_physics electrical_engineering elementary_mathematics genetics "
    "high_school_biology high_school_chemistry high_school_mathematics high_school_physics "
    "machine_learning virology",
    "humanities": "ancient_chinese arts chinese_history chinese_literature college_law "
    "global_facts international_law jurisprudence logical marxist_theory philosophy "
    "professional_law world_history world_religions",
    "social_sciences": "business_ethics chinese_civil_service_exam chinese_food_culture "
    "chinese_foreign_policy chinese_teacher_qualification college_education economics education "
    "elementary_chinese ethnology high_school_geography high_school_politics journalism "
    "management marketing modern_chinese professional_accounting professional_psychology "
    "public_relations security_study sociology",
    "other": "agronomy chinese_driving_rule clinical_knowledge college_medicine "
    "construction_project_management elementary_commonsense "
    "elementary_information_and_technology food_science human_sexuality legal_and_moral_basis "
    "nutrition professional_medicine sports_science traditional_chinese_medicine",
    "china_specific": "ancient_chinese chinese_civil_service_exam chinese_driving_rule "
    "chinese_food_culture chinese_foreign_policy chinese_history chinese_literature "
    "chinese_teacher_qualification construction_project_management elementary_chinese "
    "elementary_commonsense ethnology modern_chinese traditional_chinese_medicine",
}
# lm-eval's group, and how the names of its tasks begin
EXAMS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "ceval-valid": ("ceval-valid_", CEVAL),
    "cmmlu": ("cmmlu_", CMMLU),
}


def category_groups(
    tasks: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Groups such as ``cmmlu_stem`` for the exams among ``groups``, as ``mmlu_stem`` is one."""
    found: dict[str, tuple[str, ...]] = {}
    for exam, (beginning, categories) in EXAMS.items():
        if exam not in groups:
            continue
        for category, subjects in categories.items():
            names = {beginning + subject for subject in subjects.split()}
            found[f"{exam}_{category}"] = tuple(task for task in tasks if task in names)
    return {group: members for group, members in found.items() if members}
