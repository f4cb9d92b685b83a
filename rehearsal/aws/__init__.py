"""The emulated AWS: moto's server on loopback, extended from outside so that real code runs behind it."""
