"""Hostile agents: what each tries, what must come of it, and traps that notice one that gets out.

`attack`: what an attack is. The catalogue, by subject: `endless`, `bombs`, `processes`, `syscalls`,
`network`, `files`, `loot`, `channels`, `protocol`, `requests`, `reports`, `answers`, `equality`, `work`;
`catalogue` puts them together and wraps them into programs and maps. `traps`: what an escape would spring;
`ears`: who listens outside. `house`: runs attacks and looks around after each. `modes`: where they run.
`nobody`: the same from an account without privileges.

`python -m tests.hostile` prints the table.
"""
