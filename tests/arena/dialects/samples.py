"""One well-formed file per format, as rows; every format must have one."""

import json

ASKED = [{"role": "user", "content": "Name a prime."}, {"role": "user", "content": "Another?"}]


def conversation(*replies, asked=("Name a prime.", "Another?")):
    messages = []
    for question, reply in zip(asked, replies, strict=False):
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": reply})
    return messages


def parts(*replies):
    return [
        {**message, "content": [{"type": "text", "text": message["content"]}]}
        for message in conversation(*replies)
    ]


CLEAN_BATTLE = {
    "question_id": "a1b2",
    "model_a": "alpha",
    "model_b": "beta",
    "winner": "tie (bothbad)",
    "judge": "arena_user_7",
    "conversation_a": conversation("2", "3"),
    "conversation_b": conversation("4", "6"),
    "turn": 2,
    "anony": True,
    "language": "English",
    "tstamp": 1690000000.25,
}
STYLE = {"sum_assistant_a_tokens": 12, "header_count_a": {"h1": 1}, "bold_count_b": {"**": 2}}
STATE = {
    "template_name": "plain",
    "system_message": "",
    "roles": ["USER", "ASSISTANT"],
    "offset": 1,
    "messages": [["USER", "the template's own"], ["USER", "Name a prime."], ["ASSISTANT", "2"]],
}

SAMPLES = {
    "agon_bundle": [
        {"record": "question", "external_id": "q1", "turns": [[{"text": "Hi", "type": "text"}]]},
        {"record": "answer", "model": "alpha", "question": {"external_id": "q1"}, "turns": ["Ho"]},
    ],
    "alpaca_eval_annotations": [
        {
            "instruction": "Name a prime.",
            "output_1": "2",
            "generator_1": "baseline",
            "dataset": "koala",
            "output_2": "4",
            "generator_2": "alpha",
            "annotator": "weighted_gpt4",
            "preference": 1.25,
            "raw_completion": "m",
        }
    ],
    "alpaca_eval_instructions": [
        {"instruction_id": 16, "dataset": "koala", "instruction": "Name a prime."}
    ],
    "alpaca_eval_leaderboard": [{"": "alpha", "win_rate": "65.1", "standard_error": "1.2"}],
    "alpaca_eval_outputs": [
        {
            "instruction": "Name a prime.",
            "output": "2",
            "generator": "alpha",
            "dataset": "koala",
            "datasplit": "eval",
        }
    ],
    "arena_100k": [{**CLEAN_BATTLE, "conv_metadata": STYLE, "category_tag": {}, "is_code": False}],
    "arena_140k": [
        {
            "id": "u-1",
            "model_a": "alpha",
            "model_b": "beta",
            "winner": "both_bad",
            "evaluation_session_id": "s-1",
            "evaluation_order": 2,
            "conversation_a": parts("2", "3"),
            "conversation_b": parts("4", "6"),
            "language": "en",
            "is_code": False,
        }
    ],
    "arena_33k": [{**CLEAN_BATTLE, "openai_moderation": {"flagged": False}, "toxic_chat_tag": {}}],
    "arena_55k": [
        {
            "id": "30192",
            "model_a": "alpha",
            "model_b": "beta",
            "prompt": '["Name a prime.", "Another?"]',
            "response_a": '["2", "3"]',
            "response_b": '["4", ""]',
            "winner_model_a": "1",
            "winner_model_b": "0",
            "winner_tie": "0",
        }
    ],
    "arena_expert": [
        {
            "id": "e-1",
            "model_a": "alpha",
            "model_b": "beta",
            "winner": "model_b",
            "evaluation_order": 1,
            "conversation_a": json.dumps(conversation("2", "3")),
            "conversation_b": json.dumps(conversation("5", "7")),
            "language": "en",
            "occupational_tags": {"law": True, "medicine": False},
        }
    ],
    "arena_hard_answers": [
        {
            "uid": "1" * 16,
            "ans_id": "x",
            "model": "alpha",
            "messages": [
                {"role": "user", "content": "Name a prime."},
                {"role": "assistant", "content": {"answer": "2"}},
            ],
            "tstamp": 1690000000.0,
            "metadata": {"token_len": 1},
        }
    ],
    "arena_hard_judgments": [
        {
            "uid": "1" * 16,
            "category": "hard_prompt",
            "judge": "gpt-4.1",
            "model": "alpha",
            "baseline": "o3-mini",
            "games": [
                {
                    "score": "B>>A",
                    "judgment": {"answer": "[[B>>A]]"},
                    "prompt": [{"role": "user", "content": "?"}],
                },
                {"score": None, "judgment": {"answer": "hm"}, "prompt": []},
            ],
        }
    ],
    "arena_hard_questions": [
        {
            "uid": "1" * 16,
            "category": "hard_prompt",
            "subcategory": "coding",
            "prompt": "Name a prime.",
        }
    ],
    "evalscope_queries": [
        {"query": "Name a prime.", "response": "2", "category": "generic"},
        {"query": "Name another.", "category": "generic"},
    ],
    "fastchat_battles": [CLEAN_BATTLE, {**CLEAN_BATTLE, "question_id": "c3", "winner": "model_b"}],
    "fastchat_log": [
        {"tstamp": 1.5, "type": "chat", "model": "alpha", "state": STATE, "ip": "10.0.0.1"},
        {
            "tstamp": 2.5,
            "type": "bothbad_vote",
            "models": ["", ""],
            "states": [
                {**STATE, "conv_id": "c1", "model_name": "alpha"},
                {**STATE, "conv_id": "c2", "model_name": "beta"},
            ],
            "ip": "10.0.0.1",
        },
    ],
    "fastchat_models": [
        {
            "key": "alpha",
            "Model": "Alpha 1",
            "Knowledge cutoff date": "2023/8",
            "License": "Apache 2.0",
            "Organization": "Example",
            "Link": "https://example.org",
        }
    ],
    "judge_prompts": [
        {
            "name": "pair-v2",
            "type": "pairwise",
            "system_prompt": "Judge.",
            "prompt_template": "{question} {answer_a} {answer_b}",
            "description": "",
            "category": "general",
            "output_format": "[[A]]",
        },
        {
            "name": "pair-listed",
            "type": "pairwise",
            "system_prompt": "Judge.",
            "prompt_template": "{question} {answer_a} {answer_b}",
            "description": "",
            "category": ["writing", "math"],
            "output_format": "[[A]]",
        },
    ],
    "llmuses_answers": [
        {
            "question_id": 1,
            "text": "Name a prime.",
            "category": "generic",
            "model_id": "alpha",
            "metadata": {},
            "answer": "2",
        }
    ],
    "llmuses_battles": [
        {
            "model_a": "alpha",
            "model_b": "beta",
            "scores": [8.0, 7.0],
            "win": "model_a",
            "anony": True,
            "tstamp": 1690000000.0,
            "language": "NA",
            "question_id": 1,
            "category": "generic",
            "question": "Name a prime.",
            "output_a": "2",
            "output_b": "4",
        }
    ],
    "llmuses_questions": [{"question_id": 1, "text": "Name a prime.", "category": "generic"}],
    "llmuses_reviews": [
        {
            "model_a": "alpha",
            "model_b": "beta",
            "win_1": "model_a",
            "win_2": "unknown",
            "anony": True,
            "tstamp": 1690000000.0,
            "language": "NA",
            "question_id": 1,
            "category": "generic",
            "question": "Name a prime.",
            "review_text_1": "A",
            "review_text_2": "?",
        }
    ],
    "mt_bench_answers": [
        {
            "question_id": 81,
            "answer_id": "x",
            "model_id": "alpha",
            "choices": [{"index": 0, "turns": ["2", "3"]}, {"index": 1, "turns": ["5", "7"]}],
            "tstamp": 1690000000.0,
        }
    ],
    "mt_bench_human": [
        {
            "question_id": 81,
            "model_a": "alpha",
            "model_b": "beta",
            "winner": "tie",
            "judge": "expert_3",
            "conversation_a": conversation("2", "3"),
            "conversation_b": conversation("4", "6"),
            "turn": 2,
        }
    ],
    "mt_bench_pair": [
        {
            "question_id": 81,
            "model_1": "alpha",
            "model_2": "beta",
            "g1_winner": "model_1",
            "g2_winner": "error",
            "judge": ["gpt-4", "pair-v2"],
            "g1_user_prompt": "p1",
            "g1_judgment": "[[A]]",
            "g2_user_prompt": "p2",
            "g2_judgment": "hm",
            "turn": 1,
            "tstamp": 1690000000.0,
        }
    ],
    "mt_bench_questions": [
        {
            "question_id": 81,
            "category": "math",
            "turns": ["Name a prime.", "Another?"],
            "reference": ["2", "3"],
        }
    ],
    "mt_bench_reference_answers": [
        {
            "question_id": 101,
            "answer_id": "x",
            "model_id": "gpt-4",
            "choices": [{"index": 0, "turns": ["2", "3"]}],
            "tstamp": 1690000000.0,
        }
    ],
    "mt_bench_single": [
        {
            "question_id": 81,
            "model": "alpha",
            "judge": ["gpt-4", "single-v1"],
            "user_prompt": "p",
            "judgment": "[[9]]",
            "score": 9,
            "turn": 2,
            "tstamp": 1690000000.0,
        },
        {
            "question_id": 82,
            "model": "alpha",
            "judge": ["gpt-4", "single-v1"],
            "user_prompt": "p",
            "judgment": "hm",
            "score": -1,
            "turn": 1,
            "tstamp": 1690000000.0,
        },
    ],
}
# formats told apart by where a file lies, not by what is in it
PATHS = {"mt_bench_reference_answers": "reference_answer/gpt-4.jsonl"}
