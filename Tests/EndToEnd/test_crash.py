"""The short form of scripts/crash."""

import random
import tempfile
import unittest

import crash

ROUNDS = 15


class CrashTests(unittest.TestCase):
    def test_kills_lose_nothing_that_was_acknowledged(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        print()
        self.assertEqual(crash.run(ROUNDS, random.randrange(1 << 32), folder), [])
