"""Vector backends: Gymnasium, EnvPool, ALE, transition tables."""
