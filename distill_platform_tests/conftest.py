"""What every test gets: property tests that do not depend on the speed of the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("distill", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("distill")
