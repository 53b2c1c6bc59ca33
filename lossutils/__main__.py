"""`python -m lossutils`: check this installation, one line for each thing that matters."""

from lossutils.installation import main

raise SystemExit(main())
