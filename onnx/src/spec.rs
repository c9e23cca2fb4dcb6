//! What an objective is made of: the terms of its loss, and what the network does with pictures.

/// What a term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind {
    /// The statistics of a tap, of the whole picture or of one of its regions, counted from 0.
    Style(Option<usize>),
    /// The activations of a tap.
    Content,
    /// Neighbouring pixels.
    TotalVariation,
}

/// A term of the loss, and the names of its target, weight and loss in the graphs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `style/relu1_1`, in a region `style/relu1_1@1`; `content/relu4_2`; `tv`. Also the prefix of its inputs and
    /// outputs.
    pub name: String,
    /// What it compares.
    pub kind: TermKind,
    /// Its tap; empty for total variation.
    pub tap: String,
    /// The input that takes the target, and the output of the features model that makes it.
    pub target: Option<String>,
    /// The input that takes the weight, a scalar.
    pub weight: String,
    /// The output with the weighted loss, a scalar.
    pub loss: String,
}

impl Term {
    /// The input of a tile's graph that takes the derivative with respect to the term's statistics before they are
    /// divided by anything, and the output that gives it with respect to the statistics.
    pub fn statistics_gradient(&self) -> String {
        format!("{}/statistics/gradient", self.name)
    }

    /// The input of the graph of style losses that takes the term's statistics.
    pub fn statistics(&self) -> String {
        format!("{}/statistics", self.name)
    }

    /// The name without the region.
    pub fn plain_name(&self) -> &str {
        self.name.split('@').next().unwrap_or_default()
    }

    pub(crate) fn new(kind: TermKind, tap: &str) -> Self {
        let (name, target) = match kind {
            TermKind::Style(None) => (format!("style/{tap}"), Some("gram")),
            TermKind::Style(Some(region)) => (format!("style/{tap}@{}", region + 1), Some("gram")),
            TermKind::Content => (format!("content/{tap}"), Some("features")),
            TermKind::TotalVariation => ("tv".to_string(), None),
        };
        Term {
            kind,
            tap: tap.to_string(),
            target: target.map(|t| format!("{name}/{t}")),
            weight: format!("{name}/weight"),
            loss: format!("{name}/loss"),
            name,
        }
    }
}

/// The input that takes the mask of a region, counted from 0: `region/1` and so on.
pub fn region_input(region: usize) -> String {
    format!("region/{}", region + 1)
}

/// How activations are pooled between blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// As the network was trained.
    #[default]
    Max,
    /// Smoother; Gatys et al. 2016, section 2.
    Average,
}

/// What is compared of the activations at a style tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StyleLoss {
    /// Their Gram matrices: the mean squared difference (Gatys et al. 2016, equation 4).
    #[default]
    Gram,
    /// Their means and covariances: the squared 2-Wasserstein distance of the normal distributions that have
    /// them, as a share of the target's mean square.
    Moments,
}

/// What the network sees beyond the borders of the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Grey, the zero of its input, as it was trained.
    #[default]
    Zero,
    /// The pixels at the border again. Deeper layers see zeros as always.
    Replicate,
}

/// Which losses the objective sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectiveSpec {
    /// Taps whose statistics are compared.
    pub style: Vec<String>,
    /// Which statistics.
    pub style_loss: StyleLoss,
    /// Taps whose activations are compared.
    pub content: Vec<String>,
    /// Whether total variation is added.
    pub total_variation: bool,
    /// How activations are pooled.
    pub pooling: Pooling,
    /// What is beyond the borders.
    pub padding: Padding,
    /// Whether an input `mask` says how much each position counts.
    pub masked: bool,
    /// How many regions there are, each with an input `region/1`… that says how much its positions count, and style
    /// terms of its own; 0 for one set of style terms, which counts by `mask`.
    pub regions: usize,
}

impl ObjectiveSpec {
    /// Whether a term's tap head is applied to the difference of its statistics, and not to its activations.
    pub(crate) fn folds_head(&self, term: &Term) -> bool {
        match self.style_loss {
            StyleLoss::Gram => matches!(term.kind, TermKind::Style(_)),
            StyleLoss::Moments => false,
        }
    }

    /// The terms in the order style (region by region), content, total variation.
    pub fn terms(&self) -> Vec<Term> {
        let regions: Vec<Option<usize>> = match self.regions {
            0 => vec![None],
            regions => (0..regions).map(Some).collect(),
        };
        let of_region = |region| self.style.iter().map(move |tap| Term::new(TermKind::Style(region), tap));
        let style = regions.into_iter().flat_map(of_region);
        let content = self.content.iter().map(|tap| Term::new(TermKind::Content, tap));
        let tv = self.total_variation.then(|| Term::new(TermKind::TotalVariation, ""));
        style.chain(content).chain(tv).collect()
    }
}

impl StyleLoss {
    /// Rows and columns of the matrix that holds the statistics of `channels` activations: their Gram matrix, or that of
    /// themselves and of a 1 at each position, whose last column is their mean. Statistics are one matrix of means over
    /// positions, so that tiles can be summed and styles averaged.
    pub fn dims(self, channels: usize) -> [usize; 2] {
        match self {
            StyleLoss::Gram => [channels; 2],
            StyleLoss::Moments => [channels + 1; 2],
        }
    }
}
