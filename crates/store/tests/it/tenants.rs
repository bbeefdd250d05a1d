//! Tenants and their credentials.

use domain::tenant::{TenantStatus, Tier};
use domain::{Coded, Secret, TenantSlug};
use futures::future::join_all;
use store::Error;
use testkit::both_engines;

fn slug(name: &str) -> TenantSlug {
    name.parse().unwrap()
}

both_engines! {
    async fn a_tenant_is_found_by_name_id_and_credential(world: &World) {
        let (tenant, token) = world.tenant("acme").await;
        world.tenant("zebra").await;
        assert_eq!((tenant.tier, tenant.status), (Tier::Standard, TenantStatus::Active));
        let store = &world.store;
        assert_eq!(store.tenant(&slug("acme")).await.unwrap().as_ref(), Some(&tenant));
        assert_eq!(store.tenant_by_id(tenant.id).await.unwrap().as_ref(), Some(&tenant));
        assert_eq!(store.tenant_by_token(&token).await.unwrap().as_ref(), Some(&tenant));
        let names: Vec<_> = store.tenants().await.unwrap().into_iter().map(|t| t.slug).collect();
        assert_eq!(names, [slug("acme"), slug("zebra")]);
    }

    async fn a_name_is_taken_once_by_whoever_comes_first(world: &World) {
        let name = slug("acme");
        let created = join_all((0..10).map(|_| world.store.create_tenant(&name, Tier::Free))).await;
        let (made, refused): (Vec<_>, Vec<_>) = created.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (1, 9));
        let codes: Vec<_> = refused.iter().map(|r| r.as_ref().unwrap_err().code()).collect();
        assert_eq!(codes, ["already-exists"; 9]);
        let (tenant, token) = made.into_iter().next().unwrap().unwrap();
        assert_eq!(world.store.tenant_by_token(&token).await.unwrap(), Some(tenant));
        assert_eq!(world.store.tenants().await.unwrap().len(), 1);
    }

    async fn a_new_credential_makes_the_old_one_worthless(world: &World) {
        let (tenant, old) = world.tenant("acme").await;
        let (other, theirs) = world.tenant("zebra").await;
        let new = world.store.rotate_tenant_token(&tenant.slug).await.unwrap();
        assert_ne!(old.expose(), new.expose());
        assert_eq!(world.store.tenant_by_token(&old).await.unwrap(), None);
        assert_eq!(world.store.tenant_by_token(&new).await.unwrap(), Some(tenant));
        assert_eq!(world.store.tenant_by_token(&theirs).await.unwrap(), Some(other));
    }

    async fn a_suspended_tenant_is_still_known(world: &World) {
        let (tenant, token) = world.tenant("acme").await;
        let name = &tenant.slug;
        world.store.suspend_tenant(name).await.unwrap();
        let found = world.store.tenant_by_token(&token).await.unwrap().unwrap();
        assert_eq!(found.status, TenantStatus::Suspended);
        world.store.reinstate_tenant(name).await.unwrap();
        assert_eq!(world.store.tenant(name).await.unwrap(), Some(tenant));
    }

    async fn what_is_unknown_is_nobody(world: &World) {
        let (_, token) = world.tenant("acme").await;
        let (nobody, store) = (slug("nobody"), &world.store);
        assert_eq!(store.tenant(&nobody).await.unwrap(), None);
        let cut = &token.expose()[..token.expose().len() - 1];
        for wrong in ["", "oct_", cut, &format!("{}x", token.expose())] {
            assert_eq!(store.tenant_by_token(&Secret::new(wrong)).await.unwrap(), None);
        }
        let rotated = store.rotate_tenant_token(&nobody).await;
        assert!(matches!(rotated, Err(Error::Missing { what: "tenant", .. })), "{rotated:?}");
        let changed = store.reinstate_tenant(&nobody).await;
        assert!(matches!(changed, Err(Error::Missing { what: "tenant", .. })), "{changed:?}");
    }
}
