"""Models that make: the place of autoencoders and GANs, which learn through `supervised.Learner`."""
