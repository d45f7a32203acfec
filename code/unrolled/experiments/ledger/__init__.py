"""The evidence ledger: claims declared once, measured over seeds, recorded with their history.

Claim ``gradients.clipping`` is ``experiments/gradients/clipping.py``, which ends in ``CLAIM =
Claim(...)``, and ``evidence/gradients/clipping.json``. ``python -m unrolled evidence`` measures
what is missing or stale, ``--confirm`` the seeds that development never touched. A claim that did
not hold stays, and so does every earlier attempt.

The modules, from the ground up: ``declaring`` (what a claim's file says), ``finding`` (by id),
``digests`` (what a measurement stands on), ``machine``, ``recording`` (files), ``attempts`` (what
may be measured again, at which seeds), ``measuring``, ``workers``, ``jobs``, ``words``,
``command``.
"""

from unrolled.experiments.ledger.attempts import staleness as staleness
from unrolled.experiments.ledger.command import main as main
from unrolled.experiments.ledger.declaring import Claim as Claim
from unrolled.experiments.ledger.declaring import Measurement as Measurement
from unrolled.experiments.ledger.declaring import Paper as Paper
from unrolled.experiments.ledger.declaring import Row as Row
from unrolled.experiments.ledger.declaring import Strip as Strip
from unrolled.experiments.ledger.declaring import Trials as Trials
from unrolled.experiments.ledger.declaring import Tuned as Tuned
from unrolled.experiments.ledger.declaring import pictures as pictures
from unrolled.experiments.ledger.declaring import values as values
from unrolled.experiments.ledger.digests import sources as sources
from unrolled.experiments.ledger.finding import UnknownClaim as UnknownClaim
from unrolled.experiments.ledger.finding import find as find
from unrolled.experiments.ledger.finding import ids as ids
from unrolled.experiments.ledger.machine import other_versions as other_versions
from unrolled.experiments.ledger.machine import processor as processor
from unrolled.experiments.ledger.recording import EVIDENCE as EVIDENCE
from unrolled.experiments.ledger.recording import DamagedRecord as DamagedRecord
from unrolled.experiments.ledger.recording import load as load
from unrolled.experiments.ledger.recording import path_of as path_of
from unrolled.experiments.ledger.recording import read as read
from unrolled.experiments.ledger.recording import write as write
from unrolled.experiments.ledger.words import at_edge as at_edge
from unrolled.experiments.ledger.words import attempt as attempt
from unrolled.experiments.ledger.words import figure as figure
from unrolled.experiments.ledger.words import paper_verdict as paper_verdict
from unrolled.experiments.ledger.words import plural as plural
from unrolled.experiments.ledger.words import spread as spread
from unrolled.experiments.ledger.words import trial_runs as trial_runs
from unrolled.experiments.ledger.words import tuning as tuning
from unrolled.experiments.ledger.words import verdict as verdict
