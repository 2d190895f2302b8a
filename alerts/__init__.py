"""The judgement: rules, episodes, work orders."""

import models  # noqa: F401 - first, so that compiled kernels go to their own cache
