//! Rates of crossing from a free energy: to be continued.
