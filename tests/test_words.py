"""Retired home-made names stay out of the code, the flags and the documentation."""

import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "agents",
    "benchmarks",
    "docs",
    "envs",
    "examples",
    "generative",
    "sandlot",
    "supervised",
    "tests",
    "tracking",
)
# identifiers that were renamed: the left column is what must not come back
RETIRED = {
    "Player": "Agent",
    "at_work": "thread_context",
    "begin_episode": "reset",
    "choose": "select_action",
    "think": "explain",
    "reflect": "explain",
    "Thought": "ActionInfo",
    "Thoughts": "ActionInfo",
    "thoughts": "ActionInfo",
    "respond": "policy_action",
    "SlowCopy": "TargetNetwork",
    "_judge": "compute_advantages",
    "Judgement": "critic values",
    "Plain": "ArrayStorage",
    "Experience": "RolloutBatch",
    "go_on": "carry_over",
    "finals": "final_observation",
    "wholes": "full_stack",
    "side_by_side": "split_sequences",
    "column_minibatches": "sequence_minibatches",
    "Priorities": "PrioritizedSampler",
    "surprise": "priority",
    "credit": "td",
    "Credit": "TDUpdate",
    "Window": "NStep",
    "Traces": "EligibilityTraces",
    "Fall": "schedule",
    "fallen": "anneal",
    "Reader": "FeatureExtractor",
    "read_rows": "unroll",
    "Fuse": "Concat",
    "World": "EnvSpec",
    "worn": "wrappers",
    "settled": "resolved",
    "Truth": "TransitionInfo",
    "blame": "env_errors",
    "Duel": "OpponentEnv",
    "Rival": "OpponentPolicy",
    "RuleRival": "ScriptedOpponent",
    "Seated": "OpponentPool",
    "enlisting": "factory",
    "League": "OpponentPool",
    "guests": "OpponentPool",
    "sit_down": "add",
    "finder": "lr_finder",
    "learn_facts": "fit_preprocessing",
    "share_out": "split",
    "sketch": "plot_samples",
    "varied": "augment",
    "PlainCoder": "Autoencoder",
    "Coder": "Autoencoder",
    "recognition": "encoder",
    "maker": "generator",
    "walks": "interpolation",
    "Usual": "AnomalyScorer",
    "Journal": "MetricLogger",
    "start_helper": "start_worker",
    "Found": "ResolvedTarget",
    "facts": "properties",
    "told_errors": "user_errors",
    "catalogue": "registry",
}
RETIRED_FLAGS = ("--units", "--context", "--goal", "--helper")
RETIRED_PHRASES = (
    "so-manieth",
    "Share of the way",
    "Doubt about real rows",
    "brought forth",
    "surprising more often",
    "Gradients longer than",
    "how a text goes on",
    "it says of new rows",
    "helper process",
)


def python_files():
    return [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]


def names(file):
    with file.open("rb") as lines:
        return {token.string for token in tokenize.tokenize(lines.readline) if token.type == tokenize.NAME}


def test_no_retired_identifier_is_in_the_code():
    found = [
        f"{file.relative_to(ROOT)}: {name}, now {RETIRED[name]}"
        for file in python_files()
        for name in sorted(names(file) & RETIRED.keys())
    ]
    assert not found, "\n".join(found)


def test_no_module_has_a_retired_name():
    retired = {name.lower() for name in RETIRED} - {"window", "experience"}
    assert not [file for file in python_files() if file.stem in retired]


def test_no_retired_flag_or_phrase_is_in_code_help_or_documentation():
    texts = [*python_files(), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    found = []
    for file in texts:
        if file == Path(__file__):
            continue
        text = file.read_text()
        found += [f"{file.relative_to(ROOT)}: {phrase!r}" for phrase in RETIRED_PHRASES if phrase in text]
        found += [
            f"{file.relative_to(ROOT)}: {flag}"
            for flag in RETIRED_FLAGS
            if re.search(rf"(?<![\w-]){flag}(?![\w-])", text)
        ]
    assert not found, "\n".join(found)
