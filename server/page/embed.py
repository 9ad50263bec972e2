#!/usr/bin/env python3
"""Writes C++ that has files as they are, by name: embed.py OUTPUT FILE..."""
import pathlib
import sys

END = ')asset"'


def literal(path):
    text = path.read_text(encoding="utf-8")
    if END in text:
        sys.exit(f"{path}: {END} would end the literal")
    return f'R"asset({text}{END}'


def main():
    output, *files = map(pathlib.Path, sys.argv[1:])
    rows = "".join(f'    {{"{file.name}", {literal(file)}}},\n' for file in files)
    output.write_text(f"""// Written by {pathlib.Path(__file__).name}.
#include "server/page_assets.h"

namespace server {{
namespace {{

constexpr PageAsset kAssets[] = {{
{rows}}};

}}  // namespace

std::span<const PageAsset> page_assets() {{
    return kAssets;
}}

}}  // namespace server
""", encoding="utf-8")


if __name__ == "__main__":
    main()
