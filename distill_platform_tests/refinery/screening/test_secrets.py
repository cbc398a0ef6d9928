"""Secrets: each kind is found and named; look-alikes, placeholders and hashes are not. Values are made at run time."""

import base64
import hashlib
import random
import string

import pytest
from hypothesis import given, strategies as st

from distill_platform.refinery.screening.scan import Scanner, encodable, matches
from distill_platform.refinery.screening.secrets import SECRET_RULES, find_secrets, locate_secrets, may_hold_secrets

LETTERS = string.ascii_letters + string.digits


def draw(length: int, alphabet: str = LETTERS, seed: int = 1) -> str:
    dice = random.Random(f"{seed}{length}{alphabet}")
    return "".join(dice.choices(alphabet, k=length))


HEX = string.hexdigits[:16]
UPPER = string.ascii_uppercase + "234567"
JWT = ".".join("eyJ" + draw(n, seed=n) if n < 99 else draw(n) for n in (30, 60, 99))
PEM = "-----BEGIN {}PRIVATE " + "KEY-----\n" + draw(64, seed=3) + "\n" + draw(64, seed=4) + "\n"

SECRETS = [
    ("aws_access_key_id", "AKI" + "A" + draw(16, UPPER)),
    ("aws_secret_access_key", "aws_secret_access_key = " + draw(40, LETTERS + "/+", 5)),
    *(("github_token", f"gh{kind}_" + draw(36)) for kind in "pousr"),
    ("github_fine_grained_token", "github" + "_pat_" + draw(22) + "_" + draw(59)),
    ("gitlab_token", "glp" + "at-" + draw(20)),
    ("slack_token", "xox" + "b-" + draw(12, string.digits) + "-" + draw(24)),
    (
        "slack_webhook",
        "https://hooks.slack" + ".com/services/T" + draw(8, UPPER) + "/B" + draw(8, UPPER) + "/" + draw(24),
    ),
    ("stripe_key", "sk_" + "live_" + draw(24)),
    ("stripe_key", "rk_" + "live_" + draw(24)),
    ("google_api_key", "AI" + "za" + draw(35)),
    ("google_oauth_secret", "GOC" + "SPX-" + draw(28)),
    ("anthropic_key", "sk-" + "ant-api03-" + draw(80)),
    ("openai_key", "sk-" + draw(48)),
    ("openai_key", "sk-" + "proj-" + draw(64)),
    ("hugging_face_token", "h" + "f_" + draw(34)),
    ("npm_token", "np" + "m_" + draw(36)),
    ("pypi_token", "py" + "pi-AgE" + draw(80)),
    ("sendgrid_key", "S" + "G." + draw(22) + "." + draw(43)),
    ("twilio_key", "Twilio key S" + "K" + draw(32, HEX)),
    ("digitalocean_token", "dop" + "_v1_" + draw(64, HEX)),
    *(("private_key", PEM.format(kind)) for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")),
    ("private_key", PEM.format("RSA ").replace("\n", "\\n")),
    ("json_web_token", JWT),
    ("azure_storage_key", "Account" + "Key=" + draw(86, LETTERS + "+/") + "=="),
    ("url_password", "postgresql+psycopg2://app:" + draw(14) + "@db.internal:5432/prod"),
    ("url_password", "mongodb+srv://app:" + draw(14) + "@cluster0.mongodb.net"),
    ("assigned_secret", f'api_key = "{draw(32)}"'),
    ("assigned_secret", f'{{"client_secret": "{draw(32)}"}}'),
    ("assigned_secret", f'{{\\"access_token\\": \\"{draw(40)}\\"}}'),
    ("assigned_secret", f"DB_PASSWORD: '{draw(8)}Qz!7'"),
    ("assigned_secret", f"password=>`tR{draw(9)}#4`"),
    ("environment_secret", f"export STRIPE_SECRET={draw(40)}"),
]


@pytest.mark.parametrize(("rule", "text"), SECRETS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(SECRETS)])
def test_every_kind_of_secret_is_found_in_prose_code_and_odd_surroundings(rule: str, text: str) -> None:
    for around in ("{}", "Use it:\n{}\nand be done.", "\0{}\0", "key→{} 日本", "('{}')", "\ud800 {} "):
        framed = around.format(text)
        if rule != "environment_secret" or "\n" in framed or framed == text:
            assert rule in find_secrets([framed])[0], around
            assert may_hold_secrets(f"a label\n{framed}\nanother")
            start = next(secret.start for secret in locate_secrets(framed) if secret.rule == rule)
            assert text[-8:] in framed[start:]


def test_every_rule_has_an_example() -> None:
    assert {rule for rule, _ in SECRETS} == {rule.name for rule in SECRET_RULES}


SHA = hashlib.sha256(b"x").hexdigest()
HARMLESS = [
    f"commit {hashlib.sha1(b'y').hexdigest()}",
    f"sha256:{SHA} and md5 {SHA[:32]}",
    f'"content_hash": "{SHA}"',
    "id 550e8400-e29b-41d4-a716-446655440000",
    "![x](data:image/png;base64," + base64.b64encode(random.Random(2).randbytes(3000)).decode() + ")",
    'api_key = "YOUR_API_KEY_GOES_HERE_123"',
    'api_key = "' + "x" * 32 + '"',
    'api_key = "<insert-your-key-0123456789>"',
    'password = "${DB_PASSWORD}"',
    'password: "{{ vault.db_password_2 }}"',
    'password = "changeme123!A"',
    'password = "password"',
    'token = "access-token-for-user-42"',
    'secret_key = os.environ["SECRET_KEY"]',
    "api_key = load_key('secrets/prod-2024/api.key')",
    "password = input('Password: ')",
    'tokens = ["the", "quick", "brown"]; token: "fox"',
    "AKI" + "AIOSFODNN7EXAMPLE",
    "gh" + "p_" + "x" * 36,
    "postgresql://user:password@localhost/db",
    "postgresql://user:<password>@localhost/db and redis://:${REDIS_PASSWORD}@host",
    "http://localhost:8080/@user and https://medium.com/@someone:12345/post",
    "The task-" + draw(48) + " is done; see disk-" + draw(48),
    "hf_model_name_or_path_for_the_tokenizer_of_today",
    "sk-learn, sk-image and sk-" + "a" * 48,
    "-----BEGIN PRIVATE " + "KEY----- ... -----END PRIVATE KEY-----",
    "eyJhbGciOi is how a JWT starts",
    "S" + "K" + draw(32, HEX),
    "AWS secrets are kept in the vault; aws key rotation is weekly",
    "TOKEN=get_token_from_environment_variable()",
    "A token: 'the smallest unit'. Password: at least 12 characters.",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_hashes_placeholders_and_look_alikes_are_no_secrets(text: str) -> None:
    assert find_secrets([text]) == [()]


@given(st.lists(st.text(), max_size=3), st.sampled_from([text for _, text in SECRETS]), st.text())
def test_no_text_stops_the_scan_and_no_surroundings_hide_a_rule_from_its_anchor(
    texts: list[str], secret: str, noise: str
) -> None:
    text = noise.join([*texts, secret])
    found = [rule.name for rule in SECRET_RULES if matches(rule, encodable(text))]
    assert find_secrets([text]) == [tuple(found)]


def test_a_hostile_text_is_scanned_in_linear_time() -> None:
    scanner = Scanner(SECRET_RULES)
    for piece in ("password='", "aws ", "://a:", "-----BEGIN RSA ", "eyJaaaaaaaa.", 'key="'):
        text = piece * (1_000_000 // len(piece))
        scanner.flagged(text)
        assert find_secrets([text]) == [()]
