# Filled in below the build: see the packaging commit.
