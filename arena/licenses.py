"""The licences shipped with the product, in their legal substance.

Commercial use is ``allowed`` for copyleft licences: they oblige whoever passes the work on to
pass on the same freedoms, which is a condition on distribution, not on business.
"""

from typing import NamedTuple


class ShippedLicense(NamedTuple):
    spdx_id: str
    name: str
    family: str
    commercial_use: str
    condition: str
    url: str


_SPDX = "https://spdx.org/licenses/{}.html"


def _spdx(
    spdx_id: str, name: str, family: str, use: str = "allowed", condition: str = ""
) -> ShippedLicense:
    return ShippedLicense(spdx_id, name, family, use, condition, _SPDX.format(spdx_id))


SHIPPED_LICENSES = (
    _spdx(
        "Apache-2.0",
        "Apache License 2.0",
        "permissive",
        condition="Keep the notices and state changes; includes a patent grant.",
    ),
    _spdx("MIT", "MIT License", "permissive", condition="Keep the copyright notice."),
    _spdx("BSD-2-Clause", 'BSD 2-Clause "Simplified"', "permissive", condition="Keep the notice."),
    _spdx(
        "BSD-3-Clause",
        'BSD 3-Clause "New"',
        "permissive",
        condition="Keep the notice; do not use the authors' names to endorse.",
    ),
    _spdx("ISC", "ISC License", "permissive", condition="Keep the notice."),
    _spdx("WTFPL", "Do What The F*ck You Want To Public License", "permissive"),
    _spdx("Unlicense", "The Unlicense", "public_domain"),
    _spdx("CC0-1.0", "Creative Commons Zero v1.0 Universal", "public_domain"),
    _spdx(
        "CC-BY-4.0",
        "Creative Commons Attribution 4.0",
        "creative_commons",
        condition="Give credit and indicate changes.",
    ),
    _spdx(
        "CC-BY-SA-4.0",
        "Creative Commons Attribution-ShareAlike 4.0",
        "creative_commons",
        condition="Give credit; share adaptations under the same licence.",
    ),
    _spdx(
        "CC-BY-ND-4.0",
        "Creative Commons Attribution-NoDerivatives 4.0",
        "creative_commons",
        condition="Give credit; adaptations may not be shared.",
    ),
    _spdx(
        "CC-BY-NC-4.0",
        "Creative Commons Attribution-NonCommercial 4.0",
        "creative_commons",
        "forbidden",
        "Give credit; no use primarily intended for commercial advantage.",
    ),
    _spdx(
        "CC-BY-NC-SA-4.0",
        "Creative Commons Attribution-NonCommercial-ShareAlike 4.0",
        "creative_commons",
        "forbidden",
        "Give credit; no commercial use; share adaptations alike.",
    ),
    _spdx(
        "CC-BY-NC-ND-4.0",
        "Creative Commons Attribution-NonCommercial-NoDerivatives 4.0",
        "creative_commons",
        "forbidden",
        "Give credit; no commercial use; adaptations may not be shared.",
    ),
    _spdx(
        "CC-BY-SA-3.0",
        "Creative Commons Attribution-ShareAlike 3.0",
        "creative_commons",
        condition="Give credit; share adaptations under the same licence.",
    ),
    _spdx("BSL-1.0", "Boost Software License 1.0", "permissive", condition="Keep the notice."),
    _spdx(
        "LGPL-2.1-only",
        "GNU Lesser General Public License v2.1",
        "copyleft",
        condition="Changes to the library itself stay under the LGPL; users may relink.",
    ),
    _spdx(
        "GPL-2.0-only",
        "GNU General Public License v2.0",
        "copyleft",
        condition="Distributed copies and derived works stay under the GPL, with source.",
    ),
    _spdx(
        "GPL-3.0-only",
        "GNU General Public License v3.0",
        "copyleft",
        condition="Distributed copies and derived works stay under the GPL, with source.",
    ),
    _spdx(
        "LGPL-3.0-only",
        "GNU Lesser General Public License v3.0",
        "copyleft",
        condition="Changes to the library itself stay under the LGPL; users may relink.",
    ),
    _spdx(
        "AGPL-3.0-only",
        "GNU Affero General Public License v3.0",
        "copyleft",
        condition="As the GPL, and users who reach it over a network are offered the source.",
    ),
    _spdx(
        "MPL-2.0",
        "Mozilla Public License 2.0",
        "copyleft",
        condition="Changed files stay under the MPL; they may be combined with other code.",
    ),
    ShippedLicense(
        "LicenseRef-OpenRAIL-M",
        "Open Responsible AI License (model)",
        "responsible_ai",
        "conditional",
        "The use restrictions of its attachment bind every user and are passed on.",
        "https://www.licenses.ai/",
    ),
    ShippedLicense(
        "LicenseRef-BigScience-OpenRAIL-M",
        "BigScience OpenRAIL-M",
        "responsible_ai",
        "conditional",
        "The use restrictions of its attachment bind every user and are passed on.",
        "https://bigscience.huggingface.co/blog/bigscience-openrail-m",
    ),
    ShippedLicense(
        "LicenseRef-Llama-2",
        "Llama 2 Community License",
        "community",
        "conditional",
        "A separate licence from Meta is needed above 700 million monthly active users at the "
        "release date; outputs may not be used to improve other language models; acceptable-use "
        "policy.",
        "https://ai.meta.com/llama/license/",
    ),
    ShippedLicense(
        "LicenseRef-Llama-3",
        "Meta Llama 3 Community License",
        "community",
        "conditional",
        "A separate licence from Meta is needed above 700 million monthly active users at the "
        'release date; show "Built with Meta Llama 3"; outputs may not be used to improve other '
        "language models; acceptable-use policy.",
        "https://llama.meta.com/llama3/license/",
    ),
    ShippedLicense(
        "LicenseRef-Llama-3.1",
        "Llama 3.1 Community License",
        "community",
        "conditional",
        "A separate licence from Meta is needed above 700 million monthly active users at the "
        'release date; show "Built with Llama"; models improved with its outputs carry "Llama" in '
        "their name; acceptable-use policy.",
        "https://www.llama.com/llama3_1/license/",
    ),
    ShippedLicense(
        "LicenseRef-Llama-3.2",
        "Llama 3.2 Community License",
        "community",
        "conditional",
        "As Llama 3.1; the multimodal models are not licensed to persons and companies in the "
        "European Union.",
        "https://www.llama.com/llama3_2/license/",
    ),
    ShippedLicense(
        "LicenseRef-Llama-3.3",
        "Llama 3.3 Community License",
        "community",
        "conditional",
        "A separate licence from Meta is needed above 700 million monthly active users at the "
        'release date; show "Built with Llama"; models improved with its outputs carry "Llama" in '
        "their name; acceptable-use policy.",
        "https://www.llama.com/llama3_3/license/",
    ),
    ShippedLicense(
        "LicenseRef-Llama-4",
        "Llama 4 Community License",
        "community",
        "conditional",
        "As Llama 3.1; not licensed to persons and companies in the European Union.",
        "https://www.llama.com/llama4/license/",
    ),
    ShippedLicense(
        "LicenseRef-DBRX",
        "Databricks Open Model License",
        "community",
        "conditional",
        "A separate licence is needed above 700 million monthly active users; outputs may not be "
        "used to improve other language models; acceptable-use policy.",
        "https://www.databricks.com/legal/open-model-license",
    ),
    ShippedLicense(
        "LicenseRef-Falcon-180B",
        "Falcon-180B TII License",
        "community",
        "conditional",
        "Offering the model to others as a hosted service needs a separate licence; "
        "acceptable-use policy.",
        "",
    ),
    ShippedLicense(
        "LicenseRef-Jamba-Open",
        "Jamba Open Model License",
        "community",
        "conditional",
        "A separate licence is needed above 50 million US dollars of yearly revenue.",
        "https://www.ai21.com/jamba-open-model-license/",
    ),
    ShippedLicense(
        "LicenseRef-DeepSeek",
        "DeepSeek Model License",
        "responsible_ai",
        "conditional",
        "The use restrictions of its attachment bind every user and are passed on.",
        "",
    ),
    ShippedLicense(
        "LicenseRef-Yi",
        "Yi Series Models License",
        "community",
        "conditional",
        "Use for business has to be applied for.",
        "",
    ),
    ShippedLicense(
        "LicenseRef-Mistral-Research",
        "Mistral AI Research License",
        "community",
        "forbidden",
        "For research only; business needs a separate licence from Mistral AI.",
        "https://mistral.ai/licenses/MRL-0.1.md",
    ),
    ShippedLicense(
        "LicenseRef-Qwen-Research",
        "Qwen Research License",
        "community",
        "forbidden",
        "For research only; business needs a separate licence from its publisher.",
        "",
    ),
    ShippedLicense(
        "LicenseRef-Gemma",
        "Gemma Terms of Use",
        "community",
        "conditional",
        "The prohibited-use policy binds every user and is passed on with the model.",
        "https://ai.google.dev/gemma/terms",
    ),
    ShippedLicense(
        "LicenseRef-Qwen",
        "Tongyi Qianwen License Agreement",
        "community",
        "conditional",
        "A separate licence is needed above 100 million monthly active users.",
        "",
    ),
    ShippedLicense(
        "LicenseRef-Proprietary",
        "Proprietary API",
        "proprietary",
        "conditional",
        "The provider's terms of service apply; weights are not available.",
        "",
    ),
    ShippedLicense(
        "LicenseRef-Non-commercial",
        "Non-commercial, not further stated",
        "unknown",
        "forbidden",
        "No commercial use; the exact terms stand with the model.",
        "",
    ),
    ShippedLicense("LicenseRef-Unknown", "Not stated", "unknown", "unknown", "", ""),
)
