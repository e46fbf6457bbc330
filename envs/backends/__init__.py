"""What runs copies of an environment: Gymnasium, EnvPool, ALE, tables of transitions."""
