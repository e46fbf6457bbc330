"""The hyperparameters of each agent as keyword arguments, for editors and type checkers.

Generated from the config dataclasses by `python -m sandlot.agents.keyword_generator`: edit those instead.
"""

from collections.abc import Callable
from typing import Any, Literal, TypedDict


class TabularKeywords(TypedDict, total=False):
    num_envs: int
    gamma: float
    learning_rate: float
    learning_rate_schedule: Literal["constant", "linear", "exponential", "visits"]
    final_learning_rate: float
    visits_power: float
    initial_value: float
    exploration: Literal["epsilon-greedy", "softmax"]
    epsilon: float
    final_epsilon: float
    temperature: float
    final_temperature: float
    exploration_schedule: Literal["constant", "linear", "exponential"]
    exploration_fraction: float


class MultiStepKeywords(TabularKeywords, total=False):
    n_steps: int
    trace_decay: float
    trace_kind: Literal["accumulating", "replacing"]


class QLearningKeywords(MultiStepKeywords, total=False):
    pass


class DoubleQLearningKeywords(TabularKeywords, total=False):
    pass


class SarsaKeywords(MultiStepKeywords, total=False):
    pass


class ExpectedSarsaKeywords(MultiStepKeywords, total=False):
    pass


class QHeadKeywords(TypedDict, total=False):
    dueling: bool
    noisy: bool
    distribution: Literal["none", "c51", "quantile"]
    atoms: int
    value_low: float
    value_high: float


class EncoderKeywords(TypedDict, total=False):
    network: str | Callable[..., Any]
    hidden: tuple[int, ...]
    activation: Literal["tanh", "relu", "gelu", "silu", "elu", "sigmoid"]
    normalization: Literal["none", "layer", "batch"]
    dropout: float
    widths: tuple[int, ...]
    pooling: Literal["max", "average"]
    memory_size: int
    memory_layers: int
    memory_length: int
    heads: int
    gating: bool


class NetworkKeywords(EncoderKeywords, total=False):
    freeze: bool
    normalize_observations: bool


class LearnerKeywords(TypedDict, total=False):
    learning_rate: float
    learning_rate_schedule: Literal["constant", "linear", "cosine", "one-cycle", "step"]
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"]
    optimizer_epsilon: float
    weight_decay: float
    l1: float
    momentum: float
    betas: tuple[float, float]
    max_grad_norm: float
    device: str
    precision: Literal["auto", "float32", "tf32", "bfloat16"]
    compile: Literal["auto", "on", "off"]
    cuda_graphs: Literal["auto", "off"]


class OffPolicyKeywords(LearnerKeywords, NetworkKeywords, total=False):
    num_envs: int
    buffer_size: int
    learning_starts: int
    train_freq: int
    gradient_steps: int
    batch_size: int
    gamma: float
    n_step: int
    tau: float
    her: bool
    her_ratio: float
    burn_in: int
    sequence_length: int


class DQNKeywords(OffPolicyKeywords, QHeadKeywords, total=False):
    target_update_interval: int
    exploration_fraction: float
    exploration_initial_eps: float
    exploration_final_eps: float
    rainbow: bool
    double: bool
    prioritized: bool
    priority_exponent: float
    importance_exponent: float


class ActorCriticKeywords(NetworkKeywords, total=False):
    shared_encoder: bool | None
    log_std: float
    scale_actions: bool


class REINFORCEKeywords(LearnerKeywords, ActorCriticKeywords, total=False):
    num_envs: int
    batch_size: int
    gamma: float
    baseline: Literal["none", "mean", "value"]
    value_coef: float
    entropy_coef: float
    normalize_advantage: bool


class A2CKeywords(LearnerKeywords, ActorCriticKeywords, total=False):
    num_envs: int
    num_steps: int
    gamma: float
    gae_lambda: float
    entropy_coef: float
    value_coef: float
    normalize_advantage: bool
    normalize_rewards: bool


class PPOKeywords(LearnerKeywords, ActorCriticKeywords, total=False):
    num_envs: int
    num_steps: int
    batch_size: int
    epochs: int
    gamma: float
    gae_lambda: float
    clip_range: float
    clip_range_schedule: Literal["constant", "linear", "cosine"]
    clip_range_value: float
    entropy_coef: float
    value_coef: float
    normalize_advantage: bool
    normalize_rewards: bool
    target_kl: float
    sequence_length: int


class ContinuousKeywords(OffPolicyKeywords, total=False):
    pass


class DDPGKeywords(ContinuousKeywords, total=False):
    exploration_noise: float


class TD3Keywords(ContinuousKeywords, total=False):
    exploration_noise: float
    target_policy_noise: float
    target_noise_clip: float
    policy_delay: int
    critics: int


class SACKeywords(ContinuousKeywords, total=False):
    log_std: float
    alpha: float
    learn_alpha: bool
    target_entropy: float | None
    critics: int
