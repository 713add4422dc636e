//! Why a unit of work has no result.

/// Why a unit has no result.
#[derive(Debug)]
pub enum UnitError {
    /// The queue is full: nothing was started. Try again later.
    Overloaded,
    /// The unit waited past its deadline: nothing was started.
    Expired,
    /// The writer has stopped: nothing was started.
    Stopped,
    /// The group could not be committed: nothing was kept.
    NotCommitted,
    /// The unit panicked: nothing of it was kept.
    Panicked,
    /// The writer went away after taking the unit: whether it was kept is not known.
    Unknown,
}

impl std::fmt::Display for UnitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Overloaded => "too many units of work are waiting",
            Self::Expired => "the unit of work waited too long and was not started",
            Self::Stopped => "the writer has stopped",
            Self::NotCommitted => "the group could not be committed; nothing was kept",
            Self::Panicked => "the unit of work failed; nothing was kept",
            Self::Unknown => "whether the unit of work was kept is not known",
        })
    }
}

impl std::error::Error for UnitError {}
