{{/* By which pods are selected: two releases may stand in one namespace. */}}
{{- define "poplar.selector" -}}
app.kubernetes.io/name: poplar
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "poplar.labels" -}}
{{ include "poplar.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "poplar.metadata" -}}
name: {{ .Release.Name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "poplar.labels" . | nindent 2 }}
{{- end }}
