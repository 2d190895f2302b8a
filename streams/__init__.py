"""How records move and what is kept while they move."""

import models  # noqa: F401 - first, so that compiled kernels go to their own cache
