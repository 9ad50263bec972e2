{{- define "keryx.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "keryx.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "keryx.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "keryx.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "keryx.k8sapplabel" -}}
{{- default (include "keryx.name" .) .Values.k8sAppLabelOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "keryx.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "keryx.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "keryx.clusterRoleName" -}}
{{- default (include "keryx.fullname" .) .Values.clusterRole.nameOverride -}}
{{- end -}}

{{- define "keryx.deploymentName" -}}
{{- default (include "keryx.fullname" .) .Values.deployment.name -}}
{{- end -}}

{{- define "keryx.configmapName" -}}
{{- default (include "keryx.fullname" .) .Values.configmap.name -}}
{{- end -}}

{{/* What a Deployment's selector has can never change: the same as in CoreDNS's chart. */}}
{{- define "keryx.selector" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- if .Values.isClusterService }}
k8s-app: {{ include "keryx.k8sapplabel" . }}
{{- end }}
app.kubernetes.io/name: {{ include "keryx.name" . }}
{{- end -}}

{{- define "keryx.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- if .Values.isClusterService }}
kubernetes.io/cluster-service: "true"
kubernetes.io/name: "CoreDNS"
{{- end }}
{{ include "keryx.selector" . }}
{{- with .Values.customLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "keryx.autoscalerLabels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/name: {{ include "keryx.name" . }}-autoscaler
{{- end -}}

{{/* The ports of all servers, each once: a map from port to the server's entry. */}}
{{- define "keryx.ports" -}}
{{- $ports := dict -}}
{{- range .Values.servers -}}
{{- range .zones -}}
{{- if not (has (default "dns://" .scheme) (list "dns://")) -}}
{{- fail (printf "servers: %s is not served by Keryx" .scheme) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $ports (toString (default 53 .port)) (dict "servicePort" (default (default 53 .port) .servicePort) "nodePort" (default 0 .nodePort) "hostPort" (default 0 .hostPort)) -}}
{{- end -}}
{{- toJson $ports -}}
{{- end -}}

{{- define "keryx.corefile" -}}
{{- if .Values.corefile -}}
{{- .Values.corefile -}}
{{- else -}}
{{- range $name, $conf := .Values.extraConfig }}
{{ $name }}{{ if $conf.parameters }} {{ $conf.parameters }}{{ end }}
{{- end }}
{{- range $server := .Values.servers }}
{{ range $at, $zone := .zones }}{{ if $at }} {{ end }}{{ default "" $zone.scheme }}{{ default "." $zone.zone }}:{{ default 53 $server.port }}{{ else }}.:{{ default 53 .port }}{{ end }} {
{{- range .plugins }}
    {{ .name }}{{ if .parameters }} {{ .parameters }}{{ end }}{{ if .configBlock }} {
{{ .configBlock | indent 8 }}
    }{{ end }}
{{- end }}
}
{{- end }}
{{- end -}}
{{- end -}}
