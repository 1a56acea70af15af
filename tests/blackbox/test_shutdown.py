"""How reckonerd leaves: SIGTERM lets an upload finish, a second one does not wait."""

import signal
import socket
import time

import harness
import raw


class Shutdown(harness.ServiceCase):
    def setUp(self):
        self.data = harness.csv_bytes([harness.row(n) for n in range(400)])
        if self.service.daemon.poll() is not None:
            self.service.start_daemon()
        for _, _ in self.query("DELETE FROM reckoner.submission_chunk RETURNING provider, seq"):
            pass
        self.upload = raw.RawUpload(self.service.url, self.service.tokens["a.maker"], "RXA", "2012-04",
                                    length=len(self.data))
        self.addCleanup(self.upload.close)
        self.upload.piece(self.data[:len(self.data) // 2])
        time.sleep(0.3)
        self.assertIsNone(self.service.daemon.poll())

    def completed(self):
        return int(self.value("SELECT count(*) FROM reckoner.submission WHERE state <> 'receiving'"))

    def test_sigterm_drains(self):
        before = self.completed()
        self.service.daemon.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        self.assertIsNone(self.service.daemon.poll(), "it left although an upload was under way")
        self.assert_nothing_new_is_served()
        self.upload.piece(self.data[len(self.data) // 2:])
        status, answer = self.upload.answer()
        self.assertEqual(status, 202, answer)
        self.assertEqual(self.service.daemon.wait(30), 0)
        self.assertEqual(self.completed(), before + 1)
        stored = self.value("SELECT bytes FROM reckoner.submission WHERE state <> 'receiving' ORDER BY no DESC LIMIT 1")
        self.assertEqual(int(stored), len(self.data))

    def assert_nothing_new_is_served(self):
        """A new connection is refused, closed, or answered with shutting_down."""
        try:
            with socket.create_connection(("127.0.0.1", self.service.port), timeout=5) as other:
                other.sendall(b"GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = other.recv(65536)
        except (ConnectionRefusedError, ConnectionResetError, TimeoutError):
            return
        if answer:
            self.assertIn(b" 503 ", answer.splitlines()[0])
            self.assertIn(b"shutting_down", answer)

    def test_a_second_sigterm_leaves_at_once(self):
        before = self.completed()
        self.service.daemon.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(self.service.daemon.poll())
        begun = time.monotonic()
        self.service.daemon.send_signal(signal.SIGTERM)
        self.service.daemon.wait(10)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(self.completed(), before)
        # What was received of it is not there for a worker to find.
        jobs = self.value("SELECT count(*) FROM reckoner.job j JOIN reckoner.submission s ON s.provider = j.provider "
                          "AND s.id = j.subject WHERE s.state = 'receiving'")
        self.assertEqual(jobs, "0")


class WorkerShutdown(harness.ServiceCase):
    def test_an_idle_worker_leaves_on_sigterm_with_status_0(self):
        # A worker that is not connected yet may not have begun to listen to signals.
        self.wait_until(lambda: self.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reckoner_worker'")
                        != "0", what="the worker's connection")
        self.assertEqual(self.service.kill_worker(0, signal.SIGTERM), 0)


if __name__ == "__main__":
    harness.main()
