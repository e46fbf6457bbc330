"""`sandlot describe`: show an agent's networks for an environment, or a task's for data, without training them."""

from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from sandlot.agents.registry import agent_class
from sandlot.agents.sb3 import ALGORITHMS
from sandlot.envs import tree_leaves, tree_map
from sandlot.supervised.data import SUBSETS
from sandlot.tracking import SandlotError

from .registry import is_task, task_class
from .table import print_table
from .train_agent import parse
from .train_task import parse as parse_task

MIB = 2**20


def main(args: list[str]) -> None:
    """Run the command: `args` begin with the name of an agent or task."""
    if args and is_task(args[0]):
        describe_task(args)
        return
    agent_type = agent_class(args[0] if args else "")
    if args[0] in ALGORITHMS:
        raise SandlotError(f"describe shows Sandlot's own networks; those of {args[0]} are Stable-Baselines3's")
    _, config, env_spec = parse(args[0], agent_type.Config, args[1:], command="describe")
    agent: Any = agent_type(env_spec, config=config)
    words_for_it = agent.describe()
    if words_for_it or not isinstance(getattr(agent, "policy", None), nn.Module):
        shapes = {name: " × ".join(map(str, array.shape)) or "number" for name, array in agent.tensors().items()}
        words_for_it = words_for_it or shapes
        spaces = {"observations": str(agent.spaces.observation), "actions": str(agent.spaces.action)}
        print_table(Console(), list((spaces | words_for_it).items()))
        return
    envs = agent.env_factory.batch()
    observation = tree_map(lambda leaf: torch.as_tensor(leaf)[None].to(agent.device), envs.reset(seed=0))
    agent.env_factory.release(envs)
    policy: nn.Module = agent.policy
    start = torch.ones(1, envs.num_envs, dtype=torch.bool, device=agent.device)
    memory = agent.policy.initial_memory(envs.num_envs)
    console = Console()
    console.print(layers(policy, lambda: policy(observation, memory, start)))
    trained = parameters_of(policy)
    for name, part in agent.components().items():
        if name != "policy" and isinstance(part, nn.Module) and parameters_of(part):
            console.print(f"\n[bold]{name}[/bold]", layers(part, lambda: None), sep="\n")
            trained += parameters_of(part)
    carried = sum(leaf[0].numel() * leaf.element_size() for leaf in tree_leaves(memory))
    size = sum(int(np.prod(leaf.shape[2:])) * leaf.element_size() for leaf in tree_leaves(observation)) / MIB
    kept = {
        "rollout": config.num_envs * getattr(config, "num_steps", 0),
        "replay": getattr(config, "buffer_size", 0),
    }
    console.print(f"\nobservations  {agent.spaces.observation}", f"actions       {agent.spaces.action}", sep="\n")
    console.print(
        f"parameters    {trained:,} ({4 * trained / MIB:.2f} MiB, {16 * trained / MIB:.2f} MiB while learning)"
    )
    console.print(f"memory        {f'{carried:,} bytes for each environment' if carried else 'none'}")
    for name, rows in kept.items():
        if rows:
            console.print(f"{name:12}  {rows:,} env steps, {rows * size:,.2f} MiB of observations")


def describe_task(args: list[str]) -> None:
    """Describe a task's networks for a data set: `args` begin with the task's name."""
    options, config = parse_task(args[0], task_class(args[0]).Config, args[1:], command="describe")
    task = task_class(args[0])(options.data, config=config)
    batch = task.loader().batch(0)
    console = Console()
    for name, learner in task.learners.items():
        table = layers(learner.module, lambda name=name: task.forward_pass(name, batch))
        console.print(f"[bold]{name}[/bold]", table, "", sep="\n")
    trained = sum(parameters_of(learner.module) for learner in task.learners.values())
    rows = {name: len(task.subset(name)) for name in SUBSETS}
    shapes = {name: " × ".join(map(str, column.shape[1:])) or "number" for name, column in batch.items()}
    console.print(f"parameters    {trained:,} ({4 * trained / MIB:.2f} MiB)")
    console.print(f"rows          {', '.join(f'{count:,} for {name}' for name, count in rows.items())}")
    console.print(f"columns       {', '.join(f'{name} ({shape})' for name, shape in shapes.items())}")


def parameters_of(module: nn.Module) -> int:
    """Return the number of trainable parameters of `module`."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def layers(module: nn.Module, run: Any) -> Table:
    """Return a table of the layers that have parameters, with their output shapes during `run`."""
    shapes: dict[str, str] = {}
    hooks = [part.register_forward_hook(_noting(shapes, name)) for name, part in module.named_modules()]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("layer", "kind", "output"):
        table.add_column(heading, overflow="fold")
    table.add_column("parameters", justify="right")
    for name, part in module.named_modules():
        own = sum(parameter.numel() for parameter in part.parameters(recurse=False))
        if own:
            table.add_row(name, type(part).__name__, shapes.get(name, ""), f"{own:,}")
    return table


def _noting(shapes: dict[str, str], name: str) -> Any:
    def note(_: nn.Module, __: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        if isinstance(first, Tensor):
            shapes[name] = " × ".join(map(str, first.shape))

    return note
