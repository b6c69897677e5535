"""Ours, as another system would use it: the producer's client and nothing else."""

import os

from bench.peers.driver import drive
from producer.client import Client, credential_test


def item(job):
    fields = {"credentialsType": "BOTH", "dealerEmail": job["smtp"]["user"]}
    for protocol in ("smtp", "imap"):
        account = job[protocol]
        fields |= {
            f"{protocol}UserID": account["user"],
            f"{protocol}Password": account["password"],
            f"{protocol}Host": account["host"],
            f"{protocol}Port": str(account["port"]),
            f"{protocol}UseSSLOrTLS": account["security"] == "implicit",
            f"{protocol}EnableStartTLS": account["security"] == "starttls",
        }
    return fields


def request(job):
    return credential_test({"emailCredentialsRequests": [item(job)]})


def main():
    client = Client(os.environ["MAILVOUCH_REDIS_URL"])

    def wait(job_id):
        report = client.wait(job_id, 60) and client.report(job_id)
        return {name: report["items"][0][name]["code"] == "OK" for name in ("smtp", "imap")}

    drive(
        lambda job: client.submit(request(job)),
        wait,
        lambda jobs: client.submit_many(map(request, jobs)),
    )


if __name__ == "__main__":
    main()
