// Renders a Helm chart where there is no helm: render_chart CHART RELEASE NAMESPACE [VALUES.yaml...]
//
// Knows what our chart uses: text/template with sprig's functions, include, toYaml, toJson, fromJson; of
// values.schema.json type, properties, additionalProperties, items and enum. Helm itself, where it is on PATH,
// is asked instead (deploy_test.py).
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render_chart:", err)
		os.Exit(1)
	}
}

func read(file string) object {
	text, err := os.ReadFile(file)
	check(err)
	value := object{}
	check(yaml.Unmarshal(text, &value))
	return value
}

// A map is merged into a map, null takes a key away, all else replaces.
func merge(into, from object) {
	for key, value := range from {
		below, isMap := value.(object)
		old, wasMap := into[key].(object)
		switch {
		case value == nil:
			delete(into, key)
		case isMap && wasMap:
			merge(old, below)
		default:
			into[key] = value
		}
	}
}

func typeOf(value interface{}) string {
	switch v := value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []interface{}:
		return "array"
	case nil:
		return "null"
	}
	return "object"
}

func allowed(schema object, kind string) bool {
	switch want := schema["type"].(type) {
	case string:
		return want == kind
	case []interface{}:
		for _, one := range want {
			if one == kind {
				return true
			}
		}
		return false
	}
	return true
}

func validate(schema object, value interface{}, at string) error {
	if !allowed(schema, typeOf(value)) {
		return fmt.Errorf("%s: %s is not %v", at, typeOf(value), schema["type"])
	}
	if choices, has := schema["enum"].([]interface{}); has {
		found := false
		for _, one := range choices {
			found = found || one == value
		}
		if !found {
			return fmt.Errorf("%s: %v is none of %v", at, value, choices)
		}
	}
	switch v := value.(type) {
	case object:
		properties, _ := schema["properties"].(object)
		for key, below := range v {
			one, known := properties[key].(object)
			if !known && schema["additionalProperties"] == false {
				return fmt.Errorf("%s: additional property %s is not allowed", at, key)
			}
			if err := validate(one, below, at+"."+key); err != nil {
				return err
			}
		}
	case []interface{}:
		one, _ := schema["items"].(object)
		for i, below := range v {
			if err := validate(one, below, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func functions(all *template.Template) template.FuncMap {
	f := sprig.TxtFuncMap()
	f["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	f["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	f["toJson"] = func(value interface{}) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	f["fromJson"] = func(text string) (object, error) {
		value := object{}
		return value, json.Unmarshal([]byte(text), &value)
	}
	return f
}

func main() {
	chart := os.Args[1]
	values := read(filepath.Join(chart, "values.yaml"))
	for _, file := range os.Args[4:] {
		merge(values, read(file))
	}
	check(validate(read(filepath.Join(chart, "values.schema.json")), values, "values"))
	about := read(filepath.Join(chart, "Chart.yaml"))
	data := object{
		"Values":  values,
		"Chart":   object{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": object{"Name": os.Args[2], "Namespace": os.Args[3], "Service": "Helm"},
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(err)
		_, err = all.New(filepath.Base(file)).Parse(string(text))
		check(err)
	}
	for _, file := range files {
		if filepath.Ext(file) == ".yaml" {
			fmt.Printf("---\n# Source: %s\n", filepath.Base(file))
			check(all.ExecuteTemplate(os.Stdout, filepath.Base(file), data))
		}
	}
}
