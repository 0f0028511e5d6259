"""Prints test/fixtures/onnx-types/signatures.json: the inputs and attributes of each ONNX op in opsets 9 to 23."""

import json

import onnx

oldest, newest = 9, 23


def default_of(attribute):
    if attribute.required:
        return None
    value = onnx.helper.get_attribute_value(attribute.default_value) if attribute.default_value.name else "none"
    return value.decode() if isinstance(value, bytes) else value


def signature(schema):
    attributes = {name: default_of(attribute) for name, attribute in sorted(schema.attributes.items())}
    most = min(schema.max_input, 1000)
    return {"attributes": attributes, "inputs": schema.min_input, "mostInputs": most}


def main():
    signatures = {}
    schemas = [schema for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""]
    for schema in sorted(schemas, key=lambda schema: (schema.name, schema.since_version)):
        if schema.since_version <= newest:
            signatures.setdefault(schema.name, {})[schema.since_version] = signature(schema)
    for name, sets in signatures.items():
        # The last version before the oldest opset still applies there.
        before = [version for version in sets if version <= oldest]
        for version in before[:-1]:
            del sets[version]
    print(json.dumps(signatures, separators=(",", ":"), sort_keys=False, default=str))


main()
