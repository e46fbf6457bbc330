"""A page in the browser, to watch an agent live and to play with it or against it."""
