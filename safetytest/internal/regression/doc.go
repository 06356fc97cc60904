// Package regression fits a logistic regression to counted replies and says how far its
// coefficients would move if other clusters, such as other requests or other draws of
// demonstrations, had been asked. It is pure: numbers in, numbers out.
//
// Fitting follows Firth (1993) and Kosmidis and Firth (2009): the score equations are
// adjusted so that the first-order bias of the coefficients goes away and they stay
// finite. That is no licence to read a coefficient whose outcomes are separated, so
// [Fit.Separated] names those. The outcome may be read by somebody who errs: then the
// rate that is seen is sensitivity x P + false positives x (1-P), and the coefficients
// are those of P.
//
// Clusters: a variance is that of the jackknife, which leaves one cluster out at a time
// (CV3 in the econometric literature), linearised as by MacKinnon, Nielsen and Webb
// (2023); it is not too small for few clusters, as the usual sandwich is.
package regression
