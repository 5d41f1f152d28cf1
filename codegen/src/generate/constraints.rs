//! The constraints of an operation as constants.

use portkey_admin_constraints::{Condition, ConditionValue, Constraint, Names, Rule};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// Returns an expression of type `Constraint`.
pub fn expression(constraint: &Constraint) -> TokenStream {
    let Constraint {
        part,
        path,
        condition,
        rule,
    } = constraint;
    let part = format_ident!("{}", format!("{part:?}"));
    let condition = match condition {
        Some(condition) => condition_expression(condition),
        None => quote!(None),
    };
    let rule = rule_expression(rule);
    quote! {
        Constraint {
            part: constraint::Part::#part,
            path: Cow::Borrowed(#path),
            condition: #condition,
            rule: Rule::#rule,
        }
    }
}

fn condition_expression(condition: &Condition) -> TokenStream {
    let field = &condition.field;
    let values = condition.values.iter().map(|value| match value {
        ConditionValue::Absent => quote!(ConditionValue::Absent),
        ConditionValue::Bool(value) => quote!(ConditionValue::Bool(#value)),
        ConditionValue::String(value) => quote!(ConditionValue::String(Cow::Borrowed(#value))),
    });
    quote! {
        Some(Condition {
            field: Cow::Borrowed(#field),
            values: Cow::Borrowed(&[#(#values),*]),
        })
    }
}

fn rule_expression(rule: &Rule) -> TokenStream {
    match rule {
        Rule::Minimum(minimum) => number_rule("Minimum", *minimum),
        Rule::Maximum(maximum) => number_rule("Maximum", *maximum),
        Rule::MinItems(minimum) => quote!(MinItems(#minimum)),
        Rule::MaxItems(maximum) => quote!(MaxItems(#maximum)),
        Rule::MinLength(minimum) => quote!(MinLength(#minimum)),
        Rule::MaxLength(maximum) => quote!(MaxLength(#maximum)),
        Rule::OneOf {
            values,
            ignore_case,
        } => {
            let values = names(values);
            quote!(OneOf { values: #values, ignore_case: #ignore_case })
        }
        Rule::Required(list) => list_rule("Required", list),
        Rule::ExactlyOne(list) => list_rule("ExactlyOne", list),
        Rule::AtMostOne(list) => list_rule("AtMostOne", list),
        Rule::AtLeastOne(list) => list_rule("AtLeastOne", list),
        Rule::AtMostField { field, bound } => {
            quote!(AtMostField { field: Cow::Borrowed(#field), bound: Cow::Borrowed(#bound) })
        }
    }
}

/// The sign is a token of its own.
fn number_rule(name: &str, number: f64) -> TokenStream {
    let (name, absolute) = (format_ident!("{name}"), number.abs());
    match number < 0.0 {
        true => quote!(#name(-#absolute)),
        false => quote!(#name(#absolute)),
    }
}

fn list_rule(name: &str, list: &Names) -> TokenStream {
    let (name, list) = (format_ident!("{name}"), names(list));
    quote!(#name(#list))
}

fn names(list: &Names) -> TokenStream {
    let names = list.iter();
    quote!(Cow::Borrowed(&[#(Cow::Borrowed(#names)),*]))
}
