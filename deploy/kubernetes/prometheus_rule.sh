#!/usr/bin/env bash
# Prints the recorded series and alerts of deploy/prometheus as a PrometheusRule, for the Prometheus Operator:
#   deploy/kubernetes/prometheus_rule.sh | kubectl apply --namespace poplar --filename -
set -euo pipefail
cd "$(dirname "$0")/../prometheus"

cat <<'HEAD'
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: poplar
  labels:
    app.kubernetes.io/name: poplar
spec:
  groups:
HEAD
# Both files are lists of groups under that one key.
sed --separate '1,/^groups:/d; s/^/  /' poplar.rules.yaml poplar.alerts.yaml
