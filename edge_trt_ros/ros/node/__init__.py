"""What every node needs: parameters, QoS, transport, log, answers."""
