//! The functions, types and test modules that a file declares, wherever they are nested.
//!
//! Owns the visit of the syntax tree; refuses what a macro would expand to.

use syn::visit::{self, Visit};

use super::Function;
use super::token::{self, Word};

/// What a file declares.
#[derive(Default)]
pub struct Scan {
    /// Every function with a body.
    pub functions: Vec<Function>,
    /// Every named type, with its line.
    pub types: Vec<(String, usize)>,
    /// Every module under `#[cfg(test)]` that has a file of its own.
    pub test_modules: Vec<String>,
    in_coded: bool,
}

// === impl Scan ===

impl Scan {
    /// Visits the whole file.
    pub fn of(file: &syn::File) -> Self {
        let mut scan = Self::default();
        scan.visit_file(file);
        scan
    }

    fn function(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        body: &syn::Block,
    ) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        self.functions.push(Function {
            name: signature.ident.to_string(),
            lines: first..=last,
            of_coded: self.in_coded,
            on_paused_clock: attributes.iter().any(pauses_the_clock),
        });
    }

    fn named(&mut self, name: &syn::Ident) {
        self.types.push((name.to_string(), name.span().start().line));
    }
}

impl<'ast> Visit<'ast> for Scan {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.attrs, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        let outer =
            std::mem::replace(&mut self.in_coded, name.is_some_and(|last| last.ident == "Coded"));
        visit::visit_item_impl(self, item);
        self.in_coded = outer;
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_none() && item.attrs.iter().any(is_cfg_test) {
            self.test_modules.push(item.ident.to_string());
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.named(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.named(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.named(&item.ident);
        visit::visit_item_union(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.named(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.named(&item.ident);
        visit::visit_item_type(self, item);
    }
}

fn pauses_the_clock(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let words = token::words_in(list.tokens.clone());
    words.contains(&Word::Plain("start_paused".to_owned()))
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("cfg") && token::means_test(&token::words_in(list.tokens.clone()))
}
