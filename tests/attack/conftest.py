"""The long attacks wait for `make attack`, which asks for them by their mark."""


def pytest_collection_modifyitems(config, items):
    if "attack" in config.getoption("-m"):
        return
    long = [item for item in items if item.get_closest_marker("attack")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
