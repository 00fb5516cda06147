//! What is deployed: containers, a unit of systemd, a Debian package; where our host is
//! not, the manifest of Spin and the composed components; the directory that is given
//! away.

mod built;
mod containers;
mod dist;
mod documented;
mod fleet;
mod kubernetes;
mod manifest;
mod monitoring;
mod package;
mod unit;
