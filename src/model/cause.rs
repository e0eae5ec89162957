//! Why nothing could be concluded, and what somebody can do about it.
//!
//! Both are closed sets. A cause becomes a label and is stored; advice is worked out where a result is shown, and stored
//! nowhere, so that a better sentence is seen at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Transport;
use super::verdict::words;

words! {
    /// Why a verdict is unknown; a closed set, because it becomes a label.
    Cause {
        /// No answer in time.
        Timeout = "timeout",
        /// The port answered with a reset.
        Refused = "refused",
        /// No route, or the address does not resolve.
        Unreachable = "unreachable",
        /// The credential was not accepted, or none is configured.
        Auth = "auth",
        /// The credential works but may not read this.
        Privilege = "privilege",
        /// The asset broke the protocol.
        Protocol = "protocol",
        /// The host key is not the pinned or learnt one.
        HostKey = "host_key",
        /// The answer could not be read.
        Parse = "parse",
        /// The answer holds nothing to judge.
        NoData = "no_data",
        /// The evidence is too old.
        Stale = "stale",
        /// The gate refused to send.
        Gated = "gated",
        /// A window forbids traffic now.
        Window = "window",
        /// The asset, its zone or the whole plant is switched off.
        Inactive = "inactive",
        /// A defect of nis2watch itself.
        Internal = "internal",
    }
}

/// Gives each piece of advice its sentence.
macro_rules! sentences {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $sentence:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What to do, in one sentence for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.sentence())
            }
        }
    };
}

sentences! {
    /// What to do about an unknown.
    Advice {
        /// No answer in time.
        Reach = "See whether the asset is on and whether a firewall drops packets between it and the place that asks; then \
            check again.",
        /// No answer in time over SSH.
        ReachOrWait = "See whether the asset is on and a firewall lets the SSH port through; where it is only slow, raise \
            `timeouts:` under access.ssh.",
        /// No answer in time over SNMP.
        SnmpSilence = "Agents keep silent on a community or user they do not know: compare the credential, the addresses that \
            the agent admits, and whether UDP port 161 is let through.",
        /// A command or plug-in on the monitor host took too long.
        LocalSlow = "Run the command by hand on the monitor host and see why it takes so long.",
        /// The port answered with a reset.
        Start = "Start the service on the asset, or correct its port in the inventory.",
        /// The SSH port answered with a reset.
        StartSsh = "Start the SSH server on the asset, or correct `port:` under access.ssh.",
        /// No route or no such name.
        Route = "Correct `address:` of the asset, the name service, or the route from the place that asks.",
        /// The login was refused.
        Credential = "Try the credential by hand, correct it in the configuration or on the asset, and reload.",
        /// The SSH login was refused.
        SshCredential = "Log in by hand with the same account and key; correct authorized_keys (its from= too) or the \
            credential, and reload: new attempts wait up to an hour, so that no account is locked.",
        /// The SNMP user or its keys were refused.
        SnmpCredential = "Compare user, security level, protocols and both passwords of the SNMP credential with the agent, \
            and reload.",
        /// Reading needs more rights.
        Permit = "Give the monitor's account the right to read this, and no more.",
        /// SSH without a way to become root.
        Elevate = "Set `privilege: collector` or `sudo` under access.ssh and install the files of deploy/ssh on the host; \
            `nis2watch catalog handout collector` or `sudoers` prints them.",
        /// sudo refused.
        SudoLines = "Install the lines of deploy/ssh/sudoers on the host; `nis2watch catalog handout sudoers` prints them for \
            your catalogue. Commands of several lines need the collector.",
        /// doas refused.
        DoasLines = "Append the lines of deploy/ssh/doas.conf to /etc/doas.conf; `nis2watch catalog handout doas` prints them \
            for your catalogue. Commands of several lines need the collector.",
        /// The collector may not.
        CollectorLine = "Install the line of deploy/ssh/sudoers-collector on the host; `nis2watch catalog handout \
            collector-sudoers` prints it.",
        /// A device or a host without POSIX shell refused a command.
        PermitCommand = "Let the monitor's account run the commands that `nis2watch plan --asset ID` shows, read-only.",
        /// The monitor host itself refused.
        RunAsRoot = "Run nis2watch as root on this host, or let its user run `sh` by sudo without a password.",
        /// The SNMP view hides it.
        View = "Add the objects that `nis2watch plan --asset ID` shows to the view of the SNMP user or community, read-only.",
        /// Something else answers.
        Protocol = "See what answers at this port: another service, a proxy or a new firmware; correct the port, or record the \
            answer with `nis2watch record --asset ID` and report it.",
        /// The SSH conversation broke off.
        SshProtocol = "Log in by hand and see what the server prints; an old one may need `algorithms: compat` or `legacy` \
            under access.ssh.",
        /// Another host key.
        HostKey = "Compare the key at the asset's own console; if it was renewed on purpose, pin the new fingerprint as \
            `host_key:` under access.ssh, and if not, treat it as an incident.",
        /// Unreadable.
        Record = "Look at the answer with `nis2watch facts --asset ID`; if it is a right one, record it with `nis2watch record \
            --asset ID` and report it.",
        /// Nothing to judge.
        Declare = "The reason says what is missing: a parameter or a field of the inventory is yours to set; what the asset \
            says shows `nis2watch facts --asset ID`.",
        /// No way over SSH.
        AddSsh = "Add `ssh: { credential: NAME }` under `access:` of the asset, or `access: { local: {} }` where it is the \
            monitor host itself.",
        /// No way over SNMP.
        AddSnmp = "Add `snmp: { credential: NAME }` under `access:` of the asset; where it has no SNMP, say so with a parameter \
            if the check has one.",
        /// No plug-in.
        AddExec = "Name the program under `plugins:` and add `exec: {}` under `access:` of the asset.",
        /// No address.
        AddAddress = "Add `address:` to the asset.",
        /// Nobody looks from there.
        AddVantage = "Mark a host of that zone that can be logged in to with `vantage: true`.",
        /// Another language.
        Language = "Set `speaks:` under access.ssh to what the asset understands, or give it the kind that it is.",
        /// No such objects in the agent.
        Agent = "The agent does not show what this check reads: enable these objects on the device, or judge it by hand and \
            record that.",
        /// Unsigned, or not in the registers.
        Sign = "Enter it in the register under `duties:`, or sign it with `nis2watch attest sign`.",
        /// No support period is known.
        Lifecycle = "Import a newer table under `feeds: { endoflife: … }`.",
        /// A check that this one reads is unknown.
        SettleFirst = "Settle first the check that the reason names.",
        /// Too old.
        Late = "See whether the daemon runs and keeps up (nis2watch_schedule_lag_seconds), and whether the gate or a window \
            holds the asset back; `nis2watch check --asset ID` asks now.",
        /// The gate is closed for a while.
        Patience = "It is asked again by itself; if this lasts, mend what fails, or ask less often before you raise the limits.",
        /// An intrusive check.
        OptIn = "If the asset's owner agrees, set `allow_intrusive: true` on it and declare a window with the effect intrusive.",
        /// A read of a control protocol.
        OptInReads = "If the asset's owner agrees, set `allow_protocol_reads: true` on it and declare a window with the effect \
            intrusive.",
        /// A window is missing.
        DeclareWindow = "Declare a window with the effect intrusive that concerns the asset.",
        /// A window will come.
        AwaitWindow = "Nothing: it is asked in the next window with the effect intrusive.",
        /// The daemon does it.
        AwaitDaemon = "Nothing: the daemon asks this asset at its next turn; stop the daemon first if it must be now.",
        /// A window forbids traffic.
        AwaitEnd = "Nothing: it is asked when the window that forbids traffic has ended.",
        /// Switched off.
        SwitchOn = "Set `active: true` on the asset, its zone and the configuration, or let traffic flow again (POST \
            /-/resume-traffic).",
        /// Ours.
        Report = "This is a defect of nis2watch or of its store: look into its log, and report it with those lines.",
    }
}

impl Cause {
    /// What it means, in a few words for a person.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Timeout => "no answer in time",
            Self::Refused => "nothing serves the port",
            Self::Unreachable => "no way to the address",
            Self::Auth => "the login was not accepted, or none is configured",
            Self::Privilege => "the monitor's account may not read this",
            Self::Protocol => "something else than expected answers",
            Self::HostKey => "the host key is not the known one",
            Self::Parse => "the answer could not be read",
            Self::NoData => "something is missing that a judgement needs",
            Self::Stale => "what is known is too old",
            Self::Gated => "held back so that the device comes to no harm",
            Self::Window => "a window forbids traffic now",
            Self::Inactive => "switched off on purpose",
            Self::Internal => "a defect of nis2watch itself",
        }
    }

    /// What to do, as far as the cause and the way of asking tell.
    #[must_use]
    pub const fn advice(self, over: Option<Transport>) -> Advice {
        match (self, over) {
            (Self::Timeout, Some(Transport::Ssh)) => Advice::ReachOrWait,
            (Self::Timeout, Some(Transport::Snmp)) => Advice::SnmpSilence,
            (Self::Timeout, Some(Transport::Local | Transport::Exec)) => Advice::LocalSlow,
            (Self::Timeout, _) => Advice::Reach,
            (Self::Refused, Some(Transport::Ssh)) => Advice::StartSsh,
            (Self::Refused, _) => Advice::Start,
            (Self::Unreachable, _) => Advice::Route,
            (Self::Auth, Some(Transport::Ssh)) => Advice::SshCredential,
            (Self::Auth, Some(Transport::Snmp)) => Advice::SnmpCredential,
            (Self::Auth, _) => Advice::Credential,
            (Self::Privilege, Some(Transport::Snmp)) => Advice::View,
            (Self::Privilege, Some(Transport::Local)) => Advice::RunAsRoot,
            (Self::Privilege, _) => Advice::Permit,
            (Self::Protocol, Some(Transport::Ssh)) => Advice::SshProtocol,
            (Self::Protocol, _) => Advice::Protocol,
            (Self::HostKey, _) => Advice::HostKey,
            (Self::Parse, _) => Advice::Record,
            (Self::NoData, _) => Advice::Declare,
            (Self::Stale, _) => Advice::Late,
            (Self::Gated, _) => Advice::Patience,
            (Self::Window, _) => Advice::AwaitEnd,
            (Self::Inactive, _) => Advice::SwitchOn,
            (Self::Internal, _) => Advice::Report,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_advice_over_every_transport_and_each_is_one_line() {
        for cause in Cause::ALL {
            let ways = Transport::ALL.iter().map(|over| Some(*over)).chain([None]);
            assert!(ways.map(|over| cause.advice(over)).all(|advice| Advice::ALL.contains(&advice)), "{cause}");
        }
        for advice in Advice::ALL {
            let sentence = advice.sentence();
            assert!(sentence.ends_with('.') && !sentence.contains("  ") && !sentence.contains('\n'), "{sentence}");
        }
    }

    #[test]
    fn a_silent_agent_is_not_told_to_be_switched_on() {
        assert_eq!(Cause::Timeout.advice(Some(Transport::Snmp)), Advice::SnmpSilence);
        assert_eq!(Cause::Timeout.advice(None), Advice::Reach);
    }
}
